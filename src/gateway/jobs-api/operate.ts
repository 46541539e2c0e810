/**
 * What operators order of a pool's queue: `POST /admin/jobs/{pool}/pause`, `/resume`, `/drain`, `/limits`,
 * `/dead-events`, `/replay-event`, and `POST /admin/hooks`. Limits are kept by the queue, so that they can change without a deploy.
 */
import type { QueueLimits, QueueMode } from "../../jobs/core/queue.ts";
import { DEPTH_MAX } from "../../jobs/core/queue.ts";
import { STORAGE_BYTES_MAX } from "../../jobs/object/bounds.ts";
import { parseJson } from "../../wire/body.ts";
import { answerJson } from "../edge-request.ts";
import type { Authenticated } from "../edge-request.ts";
import { unknownAction, unknownPool } from "../../wire/not-found.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { NO_QUEUE, refuseProblem, UNKNOWN_JOB } from "./answers.ts";
import { makeHook } from "./hooks.ts";
import { idIn, OVERSEEN, overview } from "./oversee.ts";
import { queueOf } from "./queue.ts";
import type { JobQueueStub } from "./queue.ts";
import { readBody } from "../read-body.ts";

/** Whose deliveries the pool's own events are: no tenant's, as `jobs/object/outbox.ts` has it. */
const OPERATOR = "";

/** An order is a line of JSON. */
const ORDER_BYTES_MAX = 16_384;

/** More jobs than this never run at once in one pool. */
const LIMIT_MAX = 1_000_000;
/** A day: longer is no ageing. */
const AGEING_MS_MAX = 86_400_000;

const MODES: ReadonlyMap<string, QueueMode> = new Map([
  ["pause", "paused"],
  ["resume", "open"],
  ["drain", "draining"],
]);

const ORDERS = [...MODES.keys(), "limits", "dead-events", "replay-event"];
/** In the words of a path. */
const SIGHTS = Array.from(OVERSEEN.keys(), (key) => (key.split(" ")[1] ?? "").replace("*", "{id}"));

const NOT_POSTED: Refusal = { reason: "method_not_allowed", headers: [["allow", "POST"]] };
const NOT_GOT: Refusal = { reason: "method_not_allowed", headers: [["allow", "GET, HEAD"]] };

/** Segments after `/admin`. What is only looked at is in `oversee.ts`. */
export async function adminRoute(edge: Authenticated, segments: readonly string[]): Promise<Answer> {
  const [area = "", poolId = "", action = "", ...more] = segments;
  const method = edge.request.method === "HEAD" ? "GET" : edge.request.method;
  if (area === "hooks" && poolId === "") return method === "POST" ? makeHook(edge) : NOT_POSTED;
  if (area === "jobs" && poolId === "") return method === "GET" ? overview(edge) : NOT_GOT;
  if (area !== "jobs") return unknownAction("/admin", segments.join("/"), ["hooks", "jobs/{pool}/{order}"]);
  const { pools, config } = edge.runtime;
  if (!pools.has(poolId)) return unknownPool(poolId, config);
  const queue = queueOf(edge, poolId);
  if (queue === null) return NO_QUEUE;
  const [id = null, ...after] = more;
  const rest = [action, ...(id === null ? [] : ["*", ...after])].join("/");
  const seen = OVERSEEN.get(`${method} ${rest}`);
  if (seen !== undefined) {
    const name = id === null ? "" : idIn(decodeURIComponent(id));
    return name === null ? UNKNOWN_JOB : seen({ edge, poolId, queue }, name);
  }
  if (OVERSEEN.has(`${method === "GET" ? "POST" : "GET"} ${rest}`)) return method === "GET" ? NOT_POSTED : NOT_GOT;
  if (more.length > 0 || action === "") {
    return unknownAction("/admin/jobs/{pool}", [action, ...more].join("/"), [...ORDERS, ...SIGHTS]);
  }
  if (method !== "POST") return NOT_POSTED;
  if (action === "limits") return setLimits(edge, queue, poolId);
  if (action === "dead-events") return answerJson(edge, { pool: poolId, events: await queue.deadDeliveries(OPERATOR) });
  if (action === "replay-event") return replayEvent(edge, queue);
  const mode = MODES.get(action);
  if (mode === undefined) return unknownAction("/admin/jobs/{pool}", action, [...ORDERS, ...SIGHTS]);
  await queue.setMode(mode);
  return answerJson(edge, { pool: poolId, mode });
}

/** `{webhookId}`: an event of the pool that could not be delivered, once more. */
async function replayEvent(edge: Authenticated, queue: JobQueueStub): Promise<Answer> {
  const bytes = await readBody(edge, ORDER_BYTES_MAX);
  if (!bytes.ok) return bytes.error;
  const { webhookId } = (parseJson(bytes.value) ?? {}) as { readonly webhookId?: unknown };
  if (typeof webhookId !== "string") {
    return refuseProblem({ param: "webhookId", problem: "Name one that dead-events answers." });
  }
  return answerJson(edge, { webhookId, replayed: await queue.replayDelivery(OPERATOR, webhookId) });
}

/** What the body does not name stays; null is no limit. Answers with all of them. */
async function setLimits(edge: Authenticated, queue: JobQueueStub, poolId: string): Promise<Answer> {
  const bytes = await readBody(edge, ORDER_BYTES_MAX);
  if (!bytes.ok) return bytes.error;
  const json = parseJson(bytes.value);
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return { reason: "invalid_json" };
  }
  const limits: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(json)) {
    const check = LIMITS.get(name);
    if (check === undefined || !check.isGood(value)) {
      const problem = check === undefined ? `The limits are ${[...LIMITS.keys()].join(", ")}.` : check.says;
      return refuseProblem({ param: name, problem });
    }
    limits[name] = value;
  }
  return answerJson(edge, { pool: poolId, limits: await queue.setLimits(limits as Partial<QueueLimits>) });
}

type Check = { readonly isGood: (value: unknown) => boolean; readonly says: string };

const whole = (max: number, min = 0): Check["isGood"] => {
  return (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max;
};
const limit = (max: number): Check => ({
  isGood: (value) => value === null || whole(max)(value),
  says: `It must be null for none, or a whole number, 0 to ${max}.`,
});

const LIMITS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["globalLimit", limit(LIMIT_MAX)],
  ["workerLimit", limit(LIMIT_MAX)],
  ["tenantLimit", limit(LIMIT_MAX)],
  ["ageingMs", { ...limit(AGEING_MS_MAX), isGood: (value) => value === null || whole(AGEING_MS_MAX, 1)(value) }],
  ["tenantDepthMax", limit(LIMIT_MAX)],
  ["tenantBytesMax", limit(STORAGE_BYTES_MAX)],
  ["depthMax", { isGood: whole(DEPTH_MAX), says: `It must be a whole number, 0 to ${DEPTH_MAX}.` }],
  [
    "onConflict",
    { isGood: (value) => value === "enqueue" || value === "reject", says: 'It must be "enqueue" or "reject".' },
  ],
]);
