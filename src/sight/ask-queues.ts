/** What every pool's queue says of itself, all asked at once: each answers, or does not in time. Never rejects. */
import type { Config } from "../config/config.ts";
import type { QueueSummary } from "../jobs/core/operator.ts";
import { askInTime } from "./ask-in-time.ts";

export type QueueAnswer = {
  readonly pool: string;
  /** Null: it did not answer, or is of a version that cannot. */
  readonly summary: QueueSummary | null;
};

/** As much of the queues' namespace as is used. */
type Queues = {
  getByName(
    name: string,
    options: { readonly locationHint?: DurableObjectLocationHint },
  ): { summary(): Promise<QueueSummary> };
};

/** Empty where the deployment has no queues bound. */
export async function askQueues(
  { JOB_QUEUE }: { readonly JOB_QUEUE?: unknown },
  { pools, regions }: Pick<Config, "pools" | "regions">,
): Promise<readonly QueueAnswer[]> {
  if (JOB_QUEUE === undefined) return [];
  const queues = JOB_QUEUE as Queues;
  return Promise.all(
    Array.from(pools.values(), async ({ id, endpoints }) => {
      // Whoever calls first decides where the queue lives, so everybody gives the same hint.
      const locationHint = regions.get(endpoints[0]?.region ?? "")?.hint;
      const options = locationHint === undefined ? {} : { locationHint };
      const asked = await askInTime(async () => queues.getByName(`jobs:${id}`, options).summary());
      return { pool: id, summary: asked.ok ? asked.value : null };
    }),
  );
}
