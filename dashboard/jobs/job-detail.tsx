/** One job in a dialog: what it is, how it came to be where it is, and what may be done with it. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Shown, useAsked } from "../lower/asked.tsx";
import { announce } from "../parts/announce.tsx";
import { askConfirm } from "../parts/confirm.tsx";
import { Figure } from "../parts/figure.tsx";
import { formatCount, formatMs, inWords, UNKNOWN } from "../store/format.ts";
import type { Answered } from "../session/api-call.ts";
import { JobState } from "./job-state.tsx";
import { cancelJob, type JobRow, oneJob, readJob, redriveJob } from "./jobs-api.ts";
import { when } from "./when.ts";

type Props = {
  readonly pool: string;
  readonly id: string;
  readonly onClose: () => void;
  readonly onChanged: () => void;
};

const LIVING = new Set(["queued", "running", "retrying"]);

export function JobDetail({ pool, id, onClose, onChanged }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const asked = useAsked(
    `${pool}/${id}`,
    async () => oneJob(pool, id),
    (value) => readJob(value)[0] ?? null,
  );
  // In here as well: behind an open dialog nothing is read out.
  const [ended, setEnded] = useState("");
  const order = async (question: Parameters<typeof askConfirm>[0], give: () => Promise<Answered>, done: string) => {
    if (!(await askConfirm(question))) return;
    const answer = await give();
    const text = answer.ok ? `${id} ${done}.` : `${id} is as it was: ${answer.message}`;
    setEnded(text);
    announce(text);
    asked.again();
    onChanged();
  };
  return (
    <dialog ref={dialog} class="dialog dialog-wide" aria-labelledby="job-title" onClose={onClose}>
      <h2 id="job-title" class="mono">
        {id}
      </h2>
      <p role="status">{ended}</p>
      <Shown asked={asked} empty={(job) => (job === null ? "The router says nothing of this job." : null)}>
        {(job) =>
          job === null ? null : (
            <>
              <Facts job={job} />
              <History job={job} />
              <div class="dialog-actions">
                {job.isRedrivable && (
                  <button
                    type="button"
                    class="button button-main"
                    onClick={() =>
                      void order(redriveQuestion(1, pool), async () => redriveJob(pool, id), "is queued again")
                    }
                  >
                    Redrive
                  </button>
                )}
                {LIVING.has(job.status) && (
                  <button
                    type="button"
                    class="button button-danger"
                    onClick={() => void order(cancelQuestion(id), async () => cancelJob(pool, id), "is cancelled")}
                  >
                    Cancel the job
                  </button>
                )}
                <button type="button" class="button" onClick={() => dialog.current?.close()}>
                  Close
                </button>
              </div>
            </>
          )
        }
      </Shown>
    </dialog>
  );
}

/** In one place, because it is asked for one, for several and for all. */
export const redriveQuestion = (count: number | null, pool: string) => ({
  title: count === 1 ? "Redrive this job?" : `Redrive ${count ?? "all dead"} jobs?`,
  text: `${count === 1 ? "It is" : "They are"} queued again in ${pool} with all attempts, and ${
    count === 1 ? "runs" : "run"
  } the same input once more. What an earlier attempt has done outside is not undone.`,
  action: "Redrive",
});

const cancelQuestion = (id: string) => ({
  title: "Cancel this job?",
  text: `${id} ends without a result. What runs of it is aborted at the endpoint.`,
  action: "Cancel the job",
  danger: true,
});

function Facts({ job }: { readonly job: JobRow }) {
  const facts: readonly (readonly [name: string, text: string])[] = [
    ["Tenant", job.tenant ?? UNKNOWN],
    ["Submitted", when(job.submittedAt)],
    ["Started", when(job.startedAt)],
    ["Ended", when(job.endedAt)],
    ["Waited", formatMs(job.delayMs)],
    ["Ran", formatMs(job.executionMs)],
    ["Attempts", formatCount(job.attempts)],
    ["Ran on", job.worker ?? job.endpoint ?? UNKNOWN],
  ];
  return (
    <>
      <p>
        <JobState status={job.status} />
      </p>
      {job.error === null ? null : <p class="said">{job.error}</p>}
      <dl class="facts">
        {facts.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Figure text={text} />
            </dd>
          </div>
        ))}
        {job.tags.map(([name, text]) => (
          <div key={`tag ${name}`}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function History({ job: { history } }: { readonly job: JobRow }) {
  if (history.length === 0) return <p class="empty">No history is kept of it.</p>;
  return (
    <div class="table-box history" tabIndex={0} role="region" aria-label="History of the job">
      <table class="table">
        <caption>History</caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Became</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {history.map(({ status, at, why }, index) => (
            <tr key={`${index} ${at ?? ""}`}>
              <td>{when(at)}</td>
              <td>
                <JobState status={status} />
              </td>
              <td class="words">{inWords(why)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
