/** Every endpoint as a row: filters, sortable columns, and the rows by key. */
import { useEffect, useState } from "preact/hooks";
import { SelectField, TextField } from "../parts/fields.tsx";
import { ENDPOINT_STATES } from "../store/endpoint-rows.ts";
import { store } from "../store/page-store.ts";
import type { SortBy } from "./endpoint-order.ts";
import { EndpointLine } from "./endpoint-row.tsx";
import { allRows, changeView, fleetView, pools, regions, shownKeys, sortBy, tableHeld } from "./fleet-view.ts";

const COLUMNS: readonly (readonly [sort: SortBy | null, title: string, number?: "number"])[] = [
  ["endpoint", "Endpoint"],
  ["state", "State"],
  ["pool", "Pool"],
  ["region", "Region"],
  ["inFlight", "In flight / capacity"],
  ["work", "Tokens in line", "number"],
  ["ttft", "TTFT", "number"],
  ["failing", "Failing", "number"],
  [null, "Warmth"],
  ["failure", "Last failure"],
];

export function EndpointTable() {
  return (
    <>
      <EndpointFilters />
      <div class="table-box table-box-tall" role="group" aria-label="Endpoints" tabIndex={0}>
        <table class="table endpoints">
          <caption class="unseen">Endpoints with their state, load, speed and last failure</caption>
          <thead>
            <tr>
              {COLUMNS.map(([sort, title, number]) => (
                <Heading key={title} sort={sort} title={title} number={number} />
              ))}
              <th scope="col">
                <span class="unseen">Orders</span>
              </th>
            </tr>
          </thead>
          <EndpointLines />
        </table>
      </div>
      <NoEndpoints />
      <p class="table-key">
        TTFT: median of the last answers that this page was told of. Failing: how likely an attempt fails before its
        first byte. Rows stand still while a pointer or the focus is on them.
      </p>
    </>
  );
}

/** Rows of the first picture; as many again with each that follows, so that the first does not wait for two hundred. */
const ROWS_AT_ONCE = 40;

function EndpointLines() {
  const hold = (held: boolean) => () => {
    tableHeld.value = held;
  };
  const keys = shownKeys.value;
  const [drawn, setDrawn] = useState(ROWS_AT_ONCE);
  const isMore = drawn < keys.length;
  useEffect(() => {
    if (!isMore) return undefined;
    const next = requestAnimationFrame(() => setDrawn(drawn + ROWS_AT_ONCE));
    return () => cancelAnimationFrame(next);
  }, [drawn, isMore]);
  return (
    <tbody onFocusIn={hold(true)} onFocusOut={hold(false)} onPointerEnter={hold(true)} onPointerLeave={hold(false)}>
      {keys.slice(0, drawn).map((key) => {
        const row = store.endpoint(key);
        return row === undefined ? null : <EndpointLine key={key} row={row} />;
      })}
    </tbody>
  );
}

type HeadingProps = { readonly sort: SortBy | null; readonly title: string; readonly number: "number" | undefined };

function Heading({ sort, title, number = undefined }: HeadingProps) {
  const { sortBy: by, descending } = fleetView.value;
  if (sort === null) return <th scope="col">{title}</th>;
  const isSorted = by === sort;
  return (
    <th scope="col" class={number} aria-sort={isSorted ? (descending ? "descending" : "ascending") : undefined}>
      <button type="button" class="sort" onClick={() => sortBy(sort)}>
        {title}
        <span class="sort-mark" aria-hidden="true">
          {isSorted ? (descending ? "▼" : "▲") : ""}
        </span>
      </button>
    </th>
  );
}

function EndpointFilters() {
  const { text, state, pool, region } = fleetView.value;
  const shown = shownKeys.value.length;
  const all = allRows.value.length;
  const split = (list: string): readonly string[] => (list === "" ? [] : list.split("\n"));
  return (
    <form class="fields filters" aria-label="Filter endpoints" onSubmit={(event) => event.preventDefault()}>
      <TextField label="Find" value={text} onInput={(value) => changeView({ text: value })} />
      <SelectField
        label="State"
        value={state}
        first="any"
        options={ENDPOINT_STATES}
        onChange={(value) => changeView({ state: value })}
      />
      <SelectField
        label="Pool"
        value={pool}
        first="any"
        options={split(pools.value)}
        onChange={(value) => changeView({ pool: value })}
      />
      <SelectField
        label="Region"
        value={region}
        first="any"
        options={split(regions.value)}
        onChange={(value) => changeView({ region: value })}
      />
      <span class="found">{shown === all ? `${all} endpoints` : `${shown} of ${all} endpoints`}</span>
    </form>
  );
}

function NoEndpoints() {
  if (shownKeys.value.length > 0) return null;
  return (
    <p class="empty">
      {store.frame.value === null ? "Waiting for the first word of the fleet …" : "No endpoint matches these filters."}
    </p>
  );
}
