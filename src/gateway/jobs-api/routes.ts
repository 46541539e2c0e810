/**
 * Decides which job handler serves a path, and what it costs: `/v2/{pool}/…` is Runpod's API and its worker protocol,
 * `/v1/jobs…` our own, `/hooks/{token}` the inbound trigger. All of it is one part of the bundle that a deployment without
 * jobs never loads.
 */
import type { Operation } from "../../jobs/core/rate.ts";
import type { Scope } from "../../config/config.ts";
import { INFERENCE_PATHS } from "../../wire/openai.ts";
import type { Authenticated, EdgeRequest } from "../edge-request.ts";
import { unknownAction, unknownPool } from "../../wire/not-found.ts";
import { passThrough } from "../pass-through.ts";
import { infer } from "../pipeline.ts";
import type { EdgePool } from "../../dispatch/runtime.ts";
import type { Answer } from "../../wire/refusal.ts";
import { answerStored, NO_QUEUE } from "./answers.ts";
import * as batches from "./batch.ts";
import { adminRoute } from "./operate.ts";
import { triggered } from "./hooks.ts";
import { nativeRoute } from "./native.ts";
import { queueOf } from "./queue.ts";
import { admitCall } from "./rates.ts";
import * as runpod from "./runpod.ts";
import type { PoolCall } from "./runpod.ts";
import * as worker from "./worker.ts";

export type Admit = (
  edge: EdgeRequest,
  scope: Scope,
  handler: (edge: Authenticated) => Promise<Answer> | Answer,
) => Promise<Answer>;

export async function routeJobs(edge: EdgeRequest, admit: Admit): Promise<Answer> {
  const [, first = "", ...rest] = edge.path.split("/");
  if (first === "hooks") return answerStored(edge, async () => triggered(edge, rest.join("/")));
  if (first === "admin") {
    return admit(edge, "admin", async (known) => answerStored(known, async () => adminRoute(known, rest)));
  }
  if (first === "v1") return admit(edge, "infer", async (known) => nativeRoute(known, rest.slice(1)));
  return routeRunpod(edge, admit, rest);
}

type Route = {
  readonly method: "GET" | "POST";
  readonly scope: Scope;
  /** What its rate counts as; null: a GPU worker's call, of which there are as many as there are jobs. */
  readonly operation: Operation | null;
  /** Segments after the operation's name. */
  readonly params: number;
  readonly handle: (call: PoolCall, first: string, second: string) => Promise<Answer>;
};

const route = (
  method: Route["method"],
  operation: Operation | null,
  params: number,
  handle: Route["handle"],
): Route => ({ method, scope: operation === null ? "worker" : "infer", operation, params, handle });

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["run", route("POST", "run", 0, runpod.run)],
  ["runsync", route("POST", "runsync", 0, runpod.runSync)],
  ["status", route("GET", "status", 1, runpod.status)],
  ["status-sync", route("GET", "status-sync", 1, runpod.statusSync)],
  ["stream", route("GET", "stream", 1, runpod.stream)],
  ["cancel", route("POST", "cancel", 1, runpod.cancel)],
  ["retry", route("POST", "retry", 1, runpod.retry)],
  ["purge-queue", route("POST", "purge-queue", 0, runpod.purgeQueue)],
  ["health", route("GET", "health", 0, runpod.health)],
  ["requests", route("GET", "requests", 0, runpod.requests)],
  ["job-take", route("GET", null, 1, worker.take)],
  ["job-take-batch", route("GET", null, 1, worker.takeBatch)],
  ["job-done", route("POST", null, 2, worker.done)],
  ["job-stream", route("POST", null, 2, worker.chunk)],
  ["job-stop", route("GET", null, 1, worker.stop)],
  ["ping", route("GET", null, 1, worker.ping)],
]);

/** By the segments after `batch/{id}`, and the method. */
const BATCH_ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["GET ", route("GET", "status", 1, batches.batch)],
  ["POST requests", route("POST", "run", 1, batches.addToBatch)],
  ["GET requests", route("GET", "status", 1, batches.batchRequests)],
  ["POST finalize", route("POST", "run", 1, batches.finalizeBatch)],
  ["POST cancel", route("POST", "cancel", 1, batches.cancelBatch)],
]);
const CREATE_BATCH: Route = route("POST", "run", 0, batches.createBatch);

async function routeRunpod(edge: EdgeRequest, admit: Admit, segments: readonly string[]): Promise<Answer> {
  const [poolId = "", operation = "", ...params] = segments;
  const { method } = edge.request;
  if (operation === "openai") {
    return admit(edge, "infer", async (known) => withPool(known, poolId, (pool) => openai(known, pool, params)));
  }
  const found = operation === "batch" ? batchRoute(method, params) : ROUTES.get(operation);
  const given = operation === "batch" ? Math.min(params.length, 1) : params.length;
  if (found === undefined || found.params !== given) {
    const operations = [...ROUTES.keys(), "batch", "openai"];
    const refusal = unknownAction("/v2/{pool}", [operation, ...params].join("/"), operations);
    return admit(edge, "infer", () => refusal);
  }
  if (found.method !== method) {
    const headers = [["allow", found.method]] as const;
    return { reason: "method_not_allowed", headers };
  }
  const [first = "", second = ""] = params;
  return admit(edge, found.scope, async (known) =>
    withPool(known, poolId, (pool) => limited(known, pool, found, (call) => found.handle(call, first, second))),
  );
}

function batchRoute(method: string, [id = "", action = "", ...more]: readonly string[]): Route | undefined {
  if (more.length > 0) return undefined;
  if (id === "") return CREATE_BATCH;
  return BATCH_ROUTES.get(`${method} ${action}`);
}

function withPool(
  edge: Authenticated,
  poolId: string,
  handle: (pool: EdgePool) => Promise<Answer> | Answer,
): Promise<Answer> | Answer {
  const pool = edge.runtime.pools.get(poolId);
  return pool === undefined ? unknownPool(poolId, edge.runtime.config) : handle(pool);
}

async function limited(
  edge: Authenticated,
  pool: EdgePool,
  { operation }: Pick<Route, "operation">,
  handle: (call: PoolCall) => Promise<Answer>,
): Promise<Answer> {
  const { tenant } = edge.identity;
  const queue = queueOf(edge, pool.config.id);
  if (queue === null) return NO_QUEUE;
  const ticket = operation === null ? null : admitCall({ tenant, pool: pool.config, operation }, Date.now());
  if (ticket?.kind === "refused") {
    return { reason: "rate_limited", retryAfterMs: ticket.retryAfterMs };
  }
  try {
    return await answerStored(edge, async () => handle({ edge, pool, queue, query: new URLSearchParams(edge.query) }));
  } finally {
    ticket?.release();
  }
}

/** `/v2/{pool}/openai/…` is the ordinary synchronous path of that pool, streams included; OpenAI's form of errors too. */
async function openai(edge: Authenticated, pool: EdgePool, rest: readonly string[]): Promise<Answer> {
  const ticket = admitCall({ tenant: edge.identity.tenant, pool: pool.config, operation: "openai" }, Date.now());
  if (ticket.kind === "refused") {
    return { reason: "rate_limited", retryAfterMs: ticket.retryAfterMs };
  }
  try {
    const path = `/${rest.join("/")}`;
    const known = INFERENCE_PATHS.find((one) => one === path);
    if (known !== undefined && edge.request.method === "POST") return await infer(edge, known, pool);
    return await passThrough(edge, pool, path + edge.query, "client");
  } finally {
    ticket.release();
  }
}
