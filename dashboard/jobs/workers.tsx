/** GPU workers that pull: who is there, and what each holds. */
import { Shown, useAsked } from "../lower/asked.tsx";
import { Figure } from "../parts/figure.tsx";
import { formatAgo, UNKNOWN } from "../store/format.ts";
import { pullingWorkers, readWorkers } from "./jobs-api.ts";

export function Workers({ pool }: { readonly pool: string }) {
  const asked = useAsked(pool, async () => pullingWorkers(pool), readWorkers);
  return (
    <>
      <div class="fields behind-fields">
        <button type="button" class="button button-small" disabled={asked.busy} onClick={asked.again}>
          Ask again
        </button>
      </div>
      <Shown asked={asked} empty={(workers) => (workers.length === 0 ? `No worker pulls jobs of ${pool}.` : null)}>
        {(workers) => (
          <div class="table-box" tabIndex={0} role="region" aria-label={`Workers of ${pool}`}>
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">Worker</th>
                  <th scope="col">Last word</th>
                  <th scope="col">Holds</th>
                </tr>
              </thead>
              <tbody>
                {workers.map(({ id, jobs, seenMsAgo }) => (
                  <tr key={id}>
                    <th scope="row" class="mono">
                      {id}
                    </th>
                    <td>
                      <Figure text={formatAgo(seenMsAgo)} />
                    </td>
                    <td class="words mono">{jobs.length === 0 ? UNKNOWN : jobs.join(", ")}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Shown>
    </>
  );
}
