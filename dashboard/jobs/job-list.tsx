/** Jobs of one pool, by state and page, and one of them with its history. */
import { useState } from "preact/hooks";
import { Shown, useAsked } from "../lower/asked.tsx";
import { Figure } from "../parts/figure.tsx";
import { formatCount, inWords, UNKNOWN } from "../store/format.ts";
import { JobDetail } from "./job-detail.tsx";
import { JobState } from "./job-state.tsx";
import { type JobRow, listJobs, PAGE_ROWS, readJobPage } from "./jobs-api.ts";
import { when } from "./when.ts";

type Props = {
  readonly pool: string;
  /** "": any. */
  readonly status: string;
  readonly states: readonly string[];
  readonly onStatus: (status: string) => void;
};

export function JobList({ pool, status, states, onStatus }: Props) {
  const [offset, setOffset] = useState(0);
  const [open, setOpen] = useState<string | null>(null);
  const asked = useAsked(`${pool}/${status}/${offset}`, async () => listJobs(pool, status, offset), readJobPage);
  return (
    <>
      <div class="fields behind-fields">
        <label class="inline-field">
          State
          <select value={status} onChange={({ currentTarget }) => onStatus(currentTarget.value)}>
            <option value="">any</option>
            {states.map((state) => (
              <option key={state} value={state}>
                {inWords(state)}
              </option>
            ))}
          </select>
        </label>
        <button type="button" class="button button-small" disabled={asked.busy} onClick={asked.again}>
          Ask again
        </button>
      </div>
      <Shown
        asked={asked}
        empty={({ jobs }) => (jobs.length > 0 ? null : status === "" ? "No jobs." : `No ${inWords(status)} jobs.`)}
      >
        {({ jobs, hasMore }) => (
          <>
            <JobTable label={`Jobs of ${pool}`} jobs={jobs} onOpen={setOpen} />
            <div class="fields behind-fields">
              <button
                type="button"
                class="button button-small"
                disabled={offset === 0}
                onClick={() => setOffset(Math.max(0, offset - PAGE_ROWS))}
              >
                Newer
              </button>
              <span>
                {offset + 1} to {offset + jobs.length}
              </span>
              <button
                type="button"
                class="button button-small"
                disabled={!hasMore}
                onClick={() => setOffset(offset + PAGE_ROWS)}
              >
                Older
              </button>
            </div>
          </>
        )}
      </Shown>
      {open === null ? null : (
        <JobDetail key={open} pool={pool} id={open} onClose={() => setOpen(null)} onChanged={asked.again} />
      )}
    </>
  );
}

function JobTable({
  label,
  jobs,
  onOpen,
}: {
  readonly label: string;
  readonly jobs: readonly JobRow[];
  readonly onOpen: (id: string) => void;
}) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label={label}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Job</th>
            <th scope="col">State</th>
            <th scope="col">Tenant</th>
            <th scope="col">Submitted</th>
            <th scope="col" class="number">
              Attempts
            </th>
            <th scope="col">Ran on</th>
            <th scope="col">Error</th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <tr key={job.id}>
              <th scope="row">
                <button type="button" class="link mono" onClick={() => onOpen(job.id)}>
                  {job.id}
                </button>
              </th>
              <td>
                <JobState status={job.status} />
              </td>
              <td>{job.tenant ?? UNKNOWN}</td>
              <td>{when(job.submittedAt)}</td>
              <td class="number">
                <Figure text={formatCount(job.attempts)} />
              </td>
              <td>{job.worker ?? job.endpoint ?? UNKNOWN}</td>
              <td class="words">{job.error ?? ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
