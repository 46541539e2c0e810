/** One endpoint of the table. It reads its own signal, so it is drawn again only when it shows something else. */
import type { ReadonlySignal } from "@preact/signals";
import { Figure } from "../parts/figure.tsx";
import { Meter } from "../parts/meter.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import type { EndpointRow } from "../store/endpoint-rows.ts";
import { failureInWords } from "./failure-words.ts";
import { formatAgo, formatCount, formatMs, formatShare, UNKNOWN } from "../store/format.ts";
import { store } from "../store/page-store.ts";
import { changeDrain } from "./drain.ts";

export function EndpointLine({ row }: { readonly row: ReadonlySignal<EndpointRow> }) {
  const shown = row.value;
  // What its shard said last may be long over.
  const isTold = shown.state !== "unknown";
  const drained = shown.state === "draining";
  return (
    <tr>
      <th scope="row" class="endpoint-name">
        {shown.id}
      </th>
      <td>
        <StateMark state={shown.state} note={shown.stateNote} />
      </td>
      <td class="name">{shown.pool}</td>
      <td class="name">{shown.region}</td>
      <td>
        <Meter used={isTold ? shown.inFlight : null} of={isTold ? shown.capacity : null} what="in flight" />
      </td>
      <td class="number">
        <Figure text={formatCount(isTold ? shown.workTokens : null)} />
      </td>
      <td class="number">
        <Figure text={formatMs(shown.ttftMs)} />
      </td>
      <td class="number">
        <Figure text={formatShare(isTold ? shown.failureProbability : null)} />
      </td>
      <td>{isTold ? shown.warmth : <Figure text={UNKNOWN} />}</td>
      <td class="failure">
        <LastFailure row={shown} />
      </td>
      <td>
        <button
          type="button"
          class="button button-small"
          aria-label={`${drained ? "Undrain" : "Drain"} ${shown.id}`}
          onClick={() => void changeDrain(shown, !drained)}
        >
          {drained ? "Undrain" : "Drain"}
        </button>
      </td>
    </tr>
  );
}

function LastFailure({ row }: { readonly row: EndpointRow }) {
  const { failureAtMs, failureText, failureHint } = row;
  if (failureAtMs === null) return <span class="unknown">none</span>;
  return (
    <>
      <span class="failure-head">{`${failureInWords(row)}, ${formatAgo(store.clock.value - failureAtMs)}`}</span>
      {failureText === null || failureText === "" ? null : <span class="failure-text">{failureText}</span>}
      {failureHint === null ? null : <span class="failure-hint">{failureHint}</span>}
    </>
  );
}
