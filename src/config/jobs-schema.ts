/**
 * Decides what a pool's `jobs` may say in `warmpath.jsonc`: where endpoints take jobs, how often clients may call, how
 * many jobs run and wait, and what the operator is told.
 *
 * Model: nothing has a default here that the queue's own code has already (`jobs/core/rate.ts`, `jobs/core/queue.ts`):
 * what the file does not say stays what it is there, and the isolate of a deployment without jobs loads neither.
 */
import * as z from "zod";
import { JOB_EVENT_MS_MAX, JOB_EVENT_MS_MIN, JOB_BYTES_MAX, JOB_LIMIT_MAX, JOB_RATE_MAX } from "./config-bounds.ts";

/** As `jobs/core/rate.ts` has them; a test compares. */
export const RATED_OPERATIONS = [
  "run",
  "runsync",
  "status",
  "status-sync",
  "stream",
  "cancel",
  "retry",
  "purge-queue",
  "health",
  "requests",
  "openai",
] as const;

/** The NAME of an environment secret. */
const SECRET_NAME = /^[A-Z][A-Z0-9_]{0,63}$/;

const count = (min: number, max: number) => z.int().min(min).max(max).optional();

const rate = z
  .strictObject({
    callsPer10s: count(1, JOB_RATE_MAX).describe("Calls in any 10 s, 1 to 100000."),
    concurrentMax: count(1, JOB_RATE_MAX).describe("Calls under way at once, 1 to 100000."),
  })
  .describe("Bounds of this operation.")
  .optional();

const rates = z.strictObject(
  Object.fromEntries(RATED_OPERATIONS.map((name) => [name, rate])) as Record<
    (typeof RATED_OPERATIONS)[number],
    typeof rate
  >,
);

const limits = z.strictObject({
  globalLimit: count(0, JOB_LIMIT_MAX).describe("Jobs of the pool that run at once, 0 to 1000000. Default: no limit."),
  perWorker: count(0, JOB_LIMIT_MAX).describe(
    "Jobs that one pulling GPU worker holds, 0 to 1000000. Default: no limit.",
  ),
  perTenant: count(0, JOB_LIMIT_MAX).describe("Jobs of one tenant that run at once, 0 to 1000000. Default: no limit."),
  onConflict: z
    .enum(["enqueue", "reject"])
    .optional()
    .describe('A job that finds a limit reached waits ("enqueue", the default) or is refused with 429 ("reject").'),
  queueDepthMax: count(0, JOB_LIMIT_MAX).describe("Jobs that may wait, 0 to 1000000. Default 1000000."),
  perTenantDepthMax: count(0, JOB_LIMIT_MAX).describe(
    "Jobs of one tenant that may wait, 0 to 1000000. Default: nine times what is free, so that one alone fills nine tenths and leaves room for the others.",
  ),
  perTenantBytesMax: count(0, JOB_BYTES_MAX).describe(
    "Bytes of inputs, outputs and chunks that are kept of one tenant, 0 to 8589934592. Default: nine times what is free of the queue's 8 GiB.",
  ),
});

const events = z.strictObject({
  url: z.string().min(1).max(2000).describe("Receiver: a POST signed by Standard Webhooks for each event."),
  secret: z
    .string()
    .regex(SECRET_NAME, { error: 'write the NAME of a secret, such as "OPS_WEBHOOK_SECRET", never the secret itself' })
    .optional()
    .describe("Name of the secret that signs, whsec_… Default WARMPATH_WEBHOOK_SECRET."),
  noHealthyEndpointMs: z
    .int()
    .min(JOB_EVENT_MS_MIN)
    .max(JOB_EVENT_MS_MAX)
    .default(60_000)
    .describe("Tell when jobs had no healthy endpoint for this long, ms, 1000 to 86400000. Default 60000."),
  queueOlderThanMs: count(JOB_EVENT_MS_MIN, JOB_EVENT_MS_MAX).describe(
    "Tell when the longest waiting job has waited this long, ms, 1000 to 86400000. Default: not told.",
  ),
  jobLate: z.boolean().default(false).describe("Tell of each job that has not started in 15 s. Default false."),
});

/** `path`: the schema of a public path. */
export const jobsSchema = <Path extends z.ZodType>(path: Path) =>
  z.strictObject({
    path: path
      .optional()
      .describe(
        'Path on the endpoint that takes a job as POST {"id", "input"} and answers when it is done. Default: none; an input with messages or a prompt then goes to /v1/chat/completions or /v1/completions, any other to "/runsync", where Runpod\'s Python package serves a handler.',
      ),
    pull: z
      .boolean()
      .optional()
      .describe(
        "May the pool have no endpoints, because GPU workers pull its jobs? Requests that want an answer at once are then refused with jobs_only. Default false: a pool without endpoints is a mistake. Workers may pull from a pool with endpoints as well.",
      ),
    rates: rates.optional().describe("Calls that a tenant may make, by operation. Default: Runpod's."),
    limits: limits.optional().describe("Jobs that may run and wait; POST /admin/jobs/{pool}/limits overrides."),
    events: events.optional().describe("What the operator is told by webhook. Default: nothing."),
  });

/** As written, defaults applied. */
export type JobsConfig = z.output<ReturnType<typeof jobsSchema<z.ZodString>>>;
