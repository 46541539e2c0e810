/** One decision as a row, and what is behind it when it is open. A record never changes, so a row is drawn once. */
import { Figure } from "../parts/figure.tsx";
import type { ShownRequest } from "../record.ts";
import { formatClock, formatMs, inWords, UNKNOWN } from "../store/format.ts";
import { DecisionDetail } from "./decision-detail.tsx";
import { openId, toggleOpen } from "./decision-view.ts";
import { outcomeKind, whyInWords } from "./decision-words.ts";

const DECISION_COLUMNS = 9;

export function DecisionRow({ record }: { readonly record: ShownRequest }) {
  const { id, atMs, outcome, reason, model, pool, route, endpoint, why, attempts, ms } = record;
  const isOpen = openId.value === id;
  const time = formatClock(atMs);
  return (
    <>
      <tr class={isOpen ? "decision decision-open" : "decision"}>
        <th scope="row">
          <button
            type="button"
            class="toggle mono"
            aria-expanded={isOpen}
            aria-controls={isOpen ? `decision-${id}` : undefined}
            onClick={() => toggleOpen(id)}
          >
            <span class="toggle-mark" aria-hidden="true">
              {isOpen ? "▾" : "▸"}
            </span>
            {time}
          </button>
        </th>
        <td>
          <Outcome outcome={outcome} reason={reason} />
        </td>
        <td>{model ?? pool ?? <Figure text={UNKNOWN} />}</td>
        <td class="mono">{route}</td>
        <td>{endpoint ?? <span class="unknown">none</span>}</td>
        <td class="why">{whyInWords(why)}</td>
        <td class="number">{attempts.length}</td>
        <td class="number">
          <Figure text={formatMs(ms.ttft)} />
        </td>
        <td class="number">{formatMs(ms.total)}</td>
      </tr>
      {isOpen ? (
        <tr class="decision-detail" id={`decision-${id}`}>
          <td colSpan={DECISION_COLUMNS}>
            <DecisionDetail record={record} />
          </td>
        </tr>
      ) : null}
    </>
  );
}

const MARKS = { good: "●", bad: "✕", meant: "◆" } as const;

function Outcome({ outcome, reason }: { readonly outcome: string; readonly reason: string | null }) {
  const kind = outcomeKind(outcome);
  return (
    <span class={`outcome outcome-${kind}`}>
      <span aria-hidden="true">{MARKS[kind]}</span> <b>{inWords(outcome)}</b>
      {reason === null || reason === outcome ? null : <span class="outcome-reason"> {inWords(reason)}</span>}
    </span>
  );
}
