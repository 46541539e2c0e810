/** Everything that is known of one decision: the sentence, when it ran, who was weighed, what was said. */
import type { ComponentChildren } from "preact";
import { CopyButton } from "../parts/copy-button.tsx";
import type { AttemptRecord, CandidateRecord, RailSaid } from "../../src/sight/core/record.ts";
import type { ShownRequest } from "../record.ts";
import { formatBytes, formatCount, formatMs, inWords, UNKNOWN } from "../store/format.ts";
import { Figure } from "../parts/figure.tsx";
import { HeadingRow } from "../parts/heading-row.tsx";
import { lossInWords, summaryOf, whyInWords } from "./decision-words.ts";
import { Timeline } from "./timeline-chart.tsx";

export function DecisionDetail({ record }: { readonly record: ShownRequest }) {
  return (
    <div class="detail">
      <p class="detail-summary">{summaryOf(record)}</p>
      <Facts record={record} />
      <Part title="Timing">
        <Timeline record={record} />
      </Part>
      <Candidates record={record} />
      <Attempts attempts={record.attempts} />
      <Rails rails={record.rails} />
    </div>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <div class="detail-part">
      <h3>{title}</h3>
      {children}
    </div>
  );
}

/** Null: none of them is known. */
const listed = (values: readonly (number | null)[], write: (value: number | null) => string): string | null =>
  values.every((value) => value === null) ? null : values.map(write).join(", ");

function Facts({ record }: { readonly record: ShownRequest }) {
  const { id, traceId, tenant, keyId, pool, priority, colo, stream, status, tokens, bytes, ms } = record;
  const facts: readonly (readonly [string, string | null])[] = [
    ["Status", status === 0 ? "none sent" : String(status)],
    ["Tenant", tenant],
    ["Key", keyId],
    ["Pool", pool],
    ["Priority", priority],
    ["Stream", stream ? "yes" : "no"],
    ["Data centre", colo],
    ["Tokens in, cached, out", listed([tokens.in, tokens.cached, tokens.out], formatCount)],
    ["Bytes in, out", listed([bytes.in, bytes.out], formatBytes)],
    ["Router overhead", formatMs(ms.overhead)],
    ["Lease", formatMs(ms.lease)],
    ["In line", formatMs(ms.queue)],
    ["Rails", formatMs(ms.rails)],
    ["TTFT", formatMs(ms.ttft)],
  ];
  return (
    <dl class="request-facts">
      <div>
        <dt>Request id</dt>
        <dd>
          <code>{id}</code> <CopyButton text={id} what="request id" />
        </dd>
      </div>
      {traceId === null ? null : (
        <div>
          <dt>Trace</dt>
          <dd>
            <code>{traceId}</code> <CopyButton text={traceId} what="trace id" />
          </dd>
        </div>
      )}
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <Figure text={value ?? UNKNOWN} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

const TERMS: readonly (readonly [term: string, title: string])[] = [
  ["net", "network"],
  ["wait", "wait"],
  ["load", "load"],
  ["pre", "prompt"],
  ["cold", "cold start"],
  ["risk", "risk"],
];

function Candidates({ record }: { readonly record: ShownRequest }) {
  const { candidates } = record;
  if (candidates === undefined || candidates.length === 0) {
    return (
      <Part title="Candidates">
        <p class="unknown">Not recorded for this request: only a few a second are, while this page is open.</p>
      </Part>
    );
  }
  return (
    <Part title="Candidates">
      <Scroll label="Candidates">
        <table class="table inner">
          <caption class="unseen">Expected time to the first token at each candidate, by term, in ms</caption>
          <thead>
            <tr>
              <th scope="col">Endpoint</th>
              <th scope="col">Region</th>
              {TERMS.map(([term, title]) => (
                <th key={term} scope="col" class="number">
                  {title}
                </th>
              ))}
              <th scope="col" class="number">
                sum, ms
              </th>
              <th scope="col" class="number">
                in flight
              </th>
              <th scope="col">Why</th>
            </tr>
          </thead>
          <tbody>
            {candidates.map((one) => (
              <CandidateRow key={one.endpoint} one={one} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </Part>
  );
}

function CandidateRow({ one }: { readonly one: CandidateRecord }) {
  const isChosen = one.why.startsWith("chosen");
  return (
    <tr class={isChosen ? "chosen" : ""}>
      <th scope="row">
        {isChosen ? <span class="chosen-mark">✓ chosen </span> : null}
        {one.endpoint}
      </th>
      <td>{one.region}</td>
      {TERMS.map(([term]) => (
        <td key={term} class="number">
          <Figure text={formatCount(one.terms[term])} />
        </td>
      ))}
      <td class="number">
        <b>{formatCount(one.ms)}</b>
      </td>
      <td class="number">
        {formatCount(one.inFlight)} / {formatCount(one.capacity)}
      </td>
      <td>{one.why.replace(/^chosen: /, "")}</td>
    </tr>
  );
}

function Attempts({ attempts }: { readonly attempts: readonly AttemptRecord[] }) {
  if (attempts.length === 0) return null;
  return (
    <Part title="Attempts">
      <Scroll label="Attempts">
        <table class="table inner">
          <thead>
            <HeadingRow
              titles={[
                "Endpoint",
                "Region",
                "Why",
                "Sent",
                "First byte",
                "Ended",
                "Status",
                "What became of it",
                "It said",
              ]}
            />
          </thead>
          <tbody>
            {attempts.map((one, at) => (
              <tr key={at}>
                <th scope="row">{one.endpoint}</th>
                <td>{one.region}</td>
                <td>
                  {whyInWords(one.why)}
                  {one.hedge ? " (hedge)" : ""}
                </td>
                <td>{formatMs(one.sentMs)}</td>
                <td>
                  <Figure text={formatMs(one.firstByteMs)} />
                </td>
                <td>{formatMs(one.endedMs)}</td>
                <td>{one.status ?? <span class="unknown">no answer</span>}</td>
                <td>{lossInWords(one.lost)}</td>
                <td class="attempt-said">{one.said}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Part>
  );
}

function Rails({ rails }: { readonly rails: readonly RailSaid[] }) {
  if (rails.length === 0) return null;
  return (
    <Part title="Rails">
      <Scroll label="Rails">
        <table class="table inner">
          <thead>
            <HeadingRow titles={["Rail", "Stage", "Verdict", "Ran", "Time", "Found"]} />
          </thead>
          <tbody>
            {rails.map((one, at) => (
              <tr key={at}>
                <th scope="row">{one.rail}</th>
                <td>{one.stage}</td>
                <td>
                  {one.action === null ? <Figure text={UNKNOWN} /> : inWords(one.action)}
                  {one.shadow ? " (shadow)" : ""}
                </td>
                <td>{inWords(one.status)}</td>
                <td>{formatMs(one.ms)}</td>
                <td>{one.rules.join(", ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Part>
  );
}

function Scroll({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    <div class="table-box" role="group" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
