/** The queues as a frame shows them, from what they said of themselves. */
import type { QueueAnswer } from "./ask-queues.ts";
import type { FeedFrame } from "./core/frame.ts";

export function frameJobs(answers: readonly QueueAnswer[], now: number): FeedFrame<never>["jobs"] {
  return answers.map(({ pool, summary }) => {
    const sinceMs = summary?.oldestQueuedSinceMs ?? null;
    return {
      pool,
      byState: summary?.byState ?? null,
      oldestQueuedMs: sinceMs === null ? null : Math.max(0, now - sinceMs),
      dead: summary?.dead ?? null,
      mode: summary?.mode ?? null,
    };
  });
}
