/** Failed and timed-out jobs that are kept, and what brings them back: one, those that are chosen, or all. */
import { useState } from "preact/hooks";
import { Shown, useAsked } from "../lower/asked.tsx";
import { announce } from "../parts/announce.tsx";
import { askConfirm } from "../parts/confirm.tsx";
import { UNKNOWN } from "../store/format.ts";
import { countEnded } from "./ended-counts.ts";
import { endedText, orderedAll } from "./ended.ts";
import { JobDetail, redriveQuestion } from "./job-detail.tsx";
import { JobState } from "./job-state.tsx";
import { deadJobs, type JobRow, readJobPage, redriveJobs } from "./jobs-api.ts";
import { when } from "./when.ts";

export function DeadLetters({ pool }: { readonly pool: string }) {
  const asked = useAsked(pool, async () => deadJobs(pool), readJobPage);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [open, setOpen] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  /** Null: all, also those that are not shown. */
  const redrive = async (ids: readonly string[] | null): Promise<void> => {
    if (!(await askConfirm(redriveQuestion(ids?.length ?? null, pool)))) return;
    setBusy(true);
    const ended = await orderedAll(async () => redriveJobs(pool, ids === null ? { all: true } : { ids }), "redriven");
    setBusy(false);
    setChosen(new Set());
    announce(endedText(ended, "job", "queued again"));
    asked.again();
    void countEnded();
  };

  return (
    <Shown asked={asked} empty={({ jobs }) => (jobs.length === 0 ? `No dead letters in ${pool}.` : null)}>
      {({ jobs, hasMore }) => {
        const there = jobs.filter(({ id }) => chosen.has(id));
        return (
          <>
            <div class="fields behind-fields">
              <button
                type="button"
                class="button"
                disabled={busy || there.length === 0}
                onClick={() => void redrive(there.map(({ id }) => id))}
              >
                Redrive chosen ({there.length})
              </button>
              <button type="button" class="button" disabled={busy} onClick={() => void redrive(null)}>
                Redrive all ({hasMore ? `more than ${jobs.length}` : jobs.length})
              </button>
              {hasMore ? <span>There are more: these are the newest.</span> : null}
            </div>
            <DeadTable {...{ pool, jobs, busy, chosen, setChosen, setOpen }} redrive={(id) => void redrive([id])} />
            {open === null ? null : (
              <JobDetail key={open} pool={pool} id={open} onClose={() => setOpen(null)} onChanged={asked.again} />
            )}
          </>
        );
      }}
    </Shown>
  );
}

type TableProps = {
  readonly pool: string;
  readonly jobs: readonly JobRow[];
  readonly busy: boolean;
  readonly chosen: ReadonlySet<string>;
  readonly setChosen: (chosen: ReadonlySet<string>) => void;
  readonly setOpen: (id: string) => void;
  readonly redrive: (id: string) => void;
};

function DeadTable({ pool, jobs, busy, chosen, setChosen, setOpen, redrive }: TableProps) {
  const isAll = jobs.every(({ id }) => chosen.has(id));
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label={`Dead letters of ${pool}`}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">
              <input
                type="checkbox"
                aria-label="Choose all"
                checked={isAll}
                onChange={() => setChosen(new Set(isAll ? [] : jobs.map(({ id }) => id)))}
              />
            </th>
            <th scope="col">Job</th>
            <th scope="col">State</th>
            <th scope="col">Tenant</th>
            <th scope="col">Ended</th>
            <th scope="col">Error</th>
            <th scope="col">
              <span class="unseen">Orders</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {jobs.map(({ id, status, tenant, endedAt, error }) => (
            <tr key={id}>
              <td>
                <input
                  type="checkbox"
                  aria-label={`Choose ${id}`}
                  checked={chosen.has(id)}
                  onChange={() => toggle(id)}
                />
              </td>
              <th scope="row">
                <button type="button" class="link mono" onClick={() => setOpen(id)}>
                  {id}
                </button>
              </th>
              <td>
                <JobState status={status} />
              </td>
              <td>{tenant ?? UNKNOWN}</td>
              <td>{when(endedAt)}</td>
              <td class="words">{error ?? ""}</td>
              <td class="orders">
                <button type="button" class="button button-small" disabled={busy} onClick={() => redrive(id)}>
                  Redrive<span class="unseen"> {id}</span>
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
