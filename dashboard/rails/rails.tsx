/**
 * What the guardrails did, by rule: how often, with which action, and what it took. Of the last moments for the counts,
 * which the router has for every request; times are of the decisions on this page.
 */
import { Figure } from "../parts/figure.tsx";
import { Section } from "../parts/section.tsx";
import { formatCount, formatMs, formatSpan, inWords, UNKNOWN } from "../store/format.ts";
import { store } from "../store/page-store.ts";
import { railTimes } from "./rail-times.ts";

export function Rails() {
  const rates = store.frame.value?.rates ?? null;
  const times = railTimes(store.decisions.value);
  const trips = (rates?.railTrips ?? []).toSorted((one, other) => other.count - one.count);
  const span = rates === null ? "" : ` in the last ${formatSpan(rates.windowS * 1_000)}`;
  return (
    <Section
      id="rails"
      title="Guardrails"
      note="What was found, by rule. A fail-open is a request that went on unread."
    >
      <dl class="tiles tiles-inside">
        <div class="tile">
          <dt>Findings{span}</dt>
          <dd class="tile-value">
            <b>
              <Figure text={rates === null ? UNKNOWN : formatCount(trips.reduce((sum, { count }) => sum + count, 0))} />
            </b>
          </dd>
        </div>
        <div class={(rates?.failOpens ?? 0) > 0 ? "tile tile-warn" : "tile"}>
          <dt>Fail-opens{span}</dt>
          <dd class="tile-value">
            <b>
              <Figure text={formatCount(rates?.failOpens)} />
            </b>
          </dd>
        </div>
      </dl>
      <div class="columns">
        <div class="table-box" tabIndex={0} role="region" aria-label="Findings by rule">
          <table class="table">
            <caption>Findings by rule</caption>
            <thead>
              <tr>
                <th scope="col">Rail</th>
                <th scope="col">Rule</th>
                <th scope="col">Action</th>
                <th scope="col" class="number">
                  Count
                </th>
              </tr>
            </thead>
            <tbody>
              {trips.map(({ rail, rule, action, count }) => (
                <tr key={`${rail}/${rule}/${action}`}>
                  <th scope="row">{rail}</th>
                  <td>{rule === "" ? UNKNOWN : inWords(rule)}</td>
                  <td>
                    <span class={`action action-${action}`}>{inWords(action)}</span>
                  </td>
                  <td class="number">{formatCount(count)}</td>
                </tr>
              ))}
              {trips.length === 0 && <EmptyRow columns={4} text={nothing(rates === null)} />}
            </tbody>
          </table>
        </div>
        <div class="table-box" tabIndex={0} role="region" aria-label="Time by rail">
          <table class="table">
            <caption>Time by rail, of the decisions above</caption>
            <thead>
              <tr>
                <th scope="col">Rail</th>
                <th scope="col">Stage</th>
                <th scope="col" class="number">
                  Runs
                </th>
                <th scope="col" class="number">
                  Median
                </th>
                <th scope="col" class="number">
                  Longest
                </th>
                <th scope="col" class="number">
                  Not finished
                </th>
              </tr>
            </thead>
            <tbody>
              {times.map(({ rail, stage, runs, medianMs, longestMs, unfinished }) => (
                <tr key={`${rail}/${stage}`}>
                  <th scope="row">{rail}</th>
                  <td>{inWords(stage)}</td>
                  <td class="number">{formatCount(runs)}</td>
                  <td class="number">{formatMs(medianMs)}</td>
                  <td class="number">{formatMs(longestMs)}</td>
                  <td class="number">{formatCount(unfinished)}</td>
                </tr>
              ))}
              {times.length === 0 && <EmptyRow columns={6} text="No decision on this page has met a rail." />}
            </tbody>
          </table>
        </div>
      </div>
    </Section>
  );
}

const nothing = (isUnknown: boolean): string =>
  isUnknown ? "The router counts nothing here: it has no FLEET_FEED." : "No rail has found anything.";

function EmptyRow({ columns, text }: { readonly columns: number; readonly text: string }) {
  return (
    <tr>
      <td class="empty" colSpan={columns}>
        {text}
      </td>
    </tr>
  );
}
