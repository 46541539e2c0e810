/** Queues by pool and state, and what lies in the one that is chosen: its jobs, dead letters, webhooks, workers. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Frame } from "../frame.ts";
import { announce } from "../parts/announce.tsx";
import { askConfirm } from "../parts/confirm.tsx";
import { Figure } from "../parts/figure.tsx";
import { Section } from "../parts/section.tsx";
import { formatCount, formatSpan, inWords } from "../store/format.ts";
import { store } from "../store/page-store.ts";
import { DeadLetters } from "./dead-letters.tsx";
import { DeadWebhooks } from "./dead-webhooks.tsx";
import { COUNT_GAP_MS, countEnded, endedCounts } from "./ended-counts.ts";
import { JobList } from "./job-list.tsx";
import { setQueueMode } from "./jobs-api.ts";
import { Workers } from "./workers.tsx";

const STATES = ["queued", "running", "retrying", "completed", "failed", "timed_out", "cancelled", "expired"] as const;

const VIEWS = ["jobs", "dead letters", "webhooks", "workers"] as const;
type View = (typeof VIEWS)[number];

/** What of which pool is shown below the table; null: nothing. */
const shown = signal<{ readonly pool: string; readonly view: View; readonly status: string } | null>(null);

type Queue = Frame["jobs"][number];

export function Jobs() {
  const queues = store.frame.value?.jobs ?? [];
  const open = shown.value;
  useEffect(() => {
    void countEnded();
    const again = setInterval(() => void countEnded(), COUNT_GAP_MS);
    return () => clearInterval(again);
  }, []);
  return (
    <Section id="jobs" title="Jobs" note="A count leads to the jobs behind it.">
      {queues.length === 0 ? (
        <p class="empty">No pool has a queue of jobs, or none has been used.</p>
      ) : (
        <div class="table-box" tabIndex={0} role="region" aria-label="Jobs by pool and state">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Pool</th>
                <th scope="col">Queue</th>
                {STATES.map((state) => (
                  <th scope="col" class="number" key={state}>
                    {inWords(state)}
                  </th>
                ))}
                <th scope="col" class="number">
                  Oldest waits
                </th>
                <th scope="col" class="number">
                  Dead
                </th>
                <th scope="col">
                  <span class="unseen">Orders</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {queues.map((queue) => (
                <QueueRow key={queue.pool} queue={queue} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {open === null ? null : <Behind {...open} />}
    </Section>
  );
}

function QueueRow({ queue: { pool, byState, oldestQueuedMs, dead, mode } }: { readonly queue: Queue }) {
  const ended = endedCounts.value.get(pool);
  const look = (view: View, status: string) => (): void => {
    shown.value = { pool, view, status };
  };
  return (
    <tr>
      <th scope="row">
        <button type="button" class="link" onClick={look("jobs", "")}>
          {pool}
        </button>
      </th>
      <td>
        <Mode mode={mode} />
      </td>
      {STATES.map((state) => (
        <td class="number" key={state}>
          <Count
            count={byState?.[state] ?? ended?.[state] ?? null}
            what={`${inWords(state)} jobs of ${pool}`}
            onClick={look("jobs", state)}
          />
        </td>
      ))}
      <td class="number">
        <Figure text={formatSpan(oldestQueuedMs)} />
      </td>
      <td class="number">
        <Count count={dead} what={`dead letters of ${pool}`} onClick={look("dead letters", "")} />
      </td>
      <td class="orders">
        {mode === "open" ? (
          <Order pool={pool} order="pause" />
        ) : mode === null ? null : (
          <Order pool={pool} order="resume" />
        )}
        {mode === "open" ? <Order pool={pool} order="drain" /> : null}
      </td>
    </tr>
  );
}

function Mode({ mode }: { readonly mode: Queue["mode"] }) {
  if (mode === null) return <Figure text={formatCount(null)} />;
  return <span class={`queue-mode queue-${mode}`}>{mode}</span>;
}

function Count({
  count,
  what,
  onClick,
}: {
  readonly count: number | null;
  readonly what: string;
  readonly onClick: () => void;
}) {
  if (count === null) return <Figure text={formatCount(null)} />;
  if (count === 0) return <span class="zero">0</span>;
  return (
    <button type="button" class="link" onClick={onClick}>
      {formatCount(count)}
      <span class="unseen"> {what}</span>
    </button>
  );
}

const ORDERS = {
  pause: {
    action: "Pause",
    text: "No job of it starts until it is resumed. What runs goes on, and new jobs are still taken.",
    done: "is paused",
  },
  drain: {
    action: "Drain",
    text: "New jobs are refused until it is resumed. What waits and runs goes on to its end.",
    done: "is draining",
  },
  resume: { action: "Resume", text: "Its jobs start again, and new ones are taken.", done: "is open" },
} as const;

function Order({ pool, order }: { readonly pool: string; readonly order: keyof typeof ORDERS }) {
  const { action, text, done } = ORDERS[order];
  const give = async (): Promise<void> => {
    const yes = await askConfirm({
      title: `${action} the queue of ${pool}?`,
      text,
      action,
      danger: order !== "resume",
    });
    if (!yes) return;
    const answer = await setQueueMode(pool, order);
    announce(answer.ok ? `The queue of ${pool} ${done}.` : `The queue of ${pool} is as it was: ${answer.message}`);
  };
  return (
    <button type="button" class="button button-small" onClick={() => void give()}>
      {action}
      <span class="unseen"> the queue of {pool}</span>
    </button>
  );
}

function Behind({ pool, view, status }: { readonly pool: string; readonly view: View; readonly status: string }) {
  const setView = (next: View) => (): void => {
    shown.value = { pool, view: next, status: "" };
  };
  return (
    <div class="behind" role="group" aria-label={`Pool ${pool}`}>
      <div class="behind-head">
        <h3>{pool}</h3>
        <fieldset class="switch">
          <legend class="unseen">What of {pool}</legend>
          {VIEWS.map((one) => (
            <label key={one}>
              <input type="radio" name="jobs-view" checked={one === view} onChange={setView(one)} />
              <span>{one}</span>
            </label>
          ))}
        </fieldset>
        <button type="button" class="button button-small" onClick={() => (shown.value = null)}>
          Close
        </button>
      </div>
      {view === "jobs" && (
        <JobList
          key={`${pool}/${status}`}
          pool={pool}
          status={status}
          states={STATES}
          onStatus={(next) => (shown.value = { pool, view, status: next })}
        />
      )}
      {view === "dead letters" && <DeadLetters key={pool} pool={pool} />}
      {view === "webhooks" && <DeadWebhooks key={pool} pool={pool} />}
      {view === "workers" && <Workers key={pool} pool={pool} />}
    </div>
  );
}
