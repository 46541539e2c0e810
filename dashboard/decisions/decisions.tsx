/** The last decisions, newest first, each with its reason. */
import { useComputed } from "@preact/signals";
import { SelectField, TextField } from "../parts/fields.tsx";
import { Section } from "../parts/section.tsx";
import { choicesIn, DECISIONS_MAX } from "../store/decision-list.ts";
import { formatCount, plural } from "../store/format.ts";
import { store } from "../store/page-store.ts";
import { DecisionRow } from "./decision-row.tsx";
import {
  changeFilter,
  decisionFilter,
  listFocused,
  matching,
  newer,
  ROWS_STEP,
  rowsMax,
  showNewest,
  shownDecisions,
} from "./decision-view.ts";

const TITLES: readonly (readonly [title: string, number?: "number"])[] = [
  ["Time"],
  ["Outcome"],
  ["Model"],
  ["Path"],
  ["Endpoint"],
  ["Why"],
  ["Attempts", "number"],
  ["TTFT", "number"],
  ["Total", "number"],
];

const LIST_ID = "decision-list";

export function Decisions() {
  return (
    <Section id="decisions" title="Decisions" note={`The last ${DECISIONS_MAX} that this page was told of.`}>
      <DecisionFilters />
      <StandingStill />
      <div class="table-box table-box-tall" role="group" id={LIST_ID} aria-label="Decisions" tabIndex={0}>
        <table class="table decisions">
          <caption class="unseen">Requests, the newest first. Open one for its candidates, attempts and rails.</caption>
          <thead>
            <tr>
              {TITLES.map(([title, number]) => (
                <th key={title} scope="col" class={number}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <DecisionRows />
        </table>
      </div>
      <ListEnd />
    </Section>
  );
}

function DecisionRows() {
  const focused = (is: boolean) => () => {
    listFocused.value = is;
  };
  return (
    <tbody onFocusIn={focused(true)} onFocusOut={focused(false)}>
      {shownDecisions.value.map((record) => (
        <DecisionRow key={record.id} record={record} />
      ))}
    </tbody>
  );
}

function DecisionFilters() {
  const { outcome, pool, endpoint, tenant, text } = decisionFilter.value;
  const choices = (member: "outcome" | "pool" | "endpoint" | "tenant"): readonly string[] =>
    choicesIn(store.decisions.value, member);
  // As text: the fields are drawn again only when there is another choice.
  const outcomes = useComputed(() => ["failed", ...choices("outcome")].join("\n"));
  const pools = useComputed(() => choices("pool").join("\n"));
  const endpoints = useComputed(() => choices("endpoint").join("\n"));
  const tenants = useComputed(() => choices("tenant").join("\n"));
  const split = (list: string): readonly string[] => list.split("\n").filter((one) => one !== "");
  return (
    <form class="fields filters" aria-label="Filter decisions" onSubmit={(event) => event.preventDefault()}>
      <TextField label="Find" value={text} onInput={(value) => changeFilter({ text: value })} />
      <SelectField
        label="Outcome"
        value={outcome}
        first="any"
        options={split(outcomes.value)}
        onChange={(value) => changeFilter({ outcome: value })}
      />
      <SelectField
        label="Pool"
        value={pool}
        first="any"
        options={split(pools.value)}
        onChange={(value) => changeFilter({ pool: value })}
      />
      <SelectField
        label="Endpoint"
        value={endpoint}
        first="any"
        options={split(endpoints.value)}
        onChange={(value) => changeFilter({ endpoint: value })}
      />
      <SelectField
        label="Tenant"
        value={tenant}
        first="any"
        options={split(tenants.value)}
        onChange={(value) => changeFilter({ tenant: value })}
      />
    </form>
  );
}

function moveOn(): void {
  // The button goes; the focus must not go with it.
  document.getElementById(LIST_ID)?.focus();
  showNewest();
}

/** Always there, so that nothing below it jumps when it has something to say. */
function StandingStill() {
  const count = newer.value;
  return (
    <p class="standing-still">
      {count === 0 ? (
        <span class="unknown">Newest first. The list stands still while one is open or the focus is in it.</span>
      ) : (
        <>
          <span>Standing still: {plural(count, "newer decision")}.</span>
          <button type="button" class="button button-small" onClick={moveOn}>
            Show the newest
          </button>
        </>
      )}
    </p>
  );
}

function ListEnd() {
  const all = matching.value.length;
  const shown = shownDecisions.value.length;
  if (all === 0) {
    const isEmpty = store.decisions.value.length === 0;
    return (
      <p class="empty">
        {isEmpty ? "No request has ended since this page was opened." : "No decision matches these filters."}
      </p>
    );
  }
  if (shown === all) return null;
  return (
    <p class="list-end">
      <span>
        {formatCount(shown)} of {formatCount(all)} are shown.
      </span>
      <button
        type="button"
        class="button button-small"
        onClick={() => {
          rowsMax.value += ROWS_STEP;
        }}
      >
        Show {ROWS_STEP} more
      </button>
    </p>
  );
}
