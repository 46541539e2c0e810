/** The data of the map as a table. The name of a region shows its endpoints alone in the table below. */
import { useComputed } from "@preact/signals";
import { Figure } from "../parts/figure.tsx";
import { Meter } from "../parts/meter.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { formatCount } from "../store/format.ts";
import { store } from "../store/page-store.ts";
import { allRows, changeView, fleetView } from "./fleet-view.ts";
import { flowsOf, regionFigures } from "./region-figures.ts";

export function RegionTable() {
  const regions = useComputed(() => regionFigures(allRows.value, store.frame.value?.fleet ?? []));
  const flows = useComputed(() => flowsOf(store.decisions.value));
  const chosen = fleetView.value.region;
  return (
    <div class="table-box" role="group" aria-label="Regions" tabIndex={0}>
      <table class="table regions">
        <caption class="unseen">Regions with the state of their endpoints, their load and their queue</caption>
        <thead>
          <tr>
            <th scope="col">Region</th>
            <th scope="col">Endpoints</th>
            <th scope="col">In flight / capacity</th>
            <th scope="col" class="number">
              Queue
            </th>
            <th scope="col">Answered elsewhere</th>
          </tr>
        </thead>
        <tbody>
          {regions.value.map(({ region, states, silent, inFlight, capacity, queued }) => (
            <tr key={region}>
              <th scope="row">
                <button
                  type="button"
                  class="region-link"
                  aria-pressed={chosen === region}
                  onClick={() => changeView({ region: chosen === region ? "" : region })}
                >
                  {region}
                </button>
              </th>
              <td class="region-states">
                {states.map(([state, count]) => (
                  <span key={state} class="region-state">
                    {count} <StateMark state={state} />
                  </span>
                ))}
                {silent.length === 0 ? null : (
                  <span class="region-state">
                    <StateMark state="unknown" note={`no answer from the shard of ${silent.join(", ")}`} />
                  </span>
                )}
              </td>
              <td>
                <Meter used={inFlight} of={capacity} what="in flight" />
              </td>
              <td class="number">
                <Figure text={formatCount(queued)} />
              </td>
              <td>{elsewhere(region, flows.value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Of the requests in the list of decisions: `12 in eu-west`. */
function elsewhere(region: string, flows: ReturnType<typeof flowsOf>): string {
  const left = flows.filter(({ from }) => from === region).map(({ to, count }) => `${count} in ${to}`);
  return left.length === 0 ? "none" : left.join(", ");
}
