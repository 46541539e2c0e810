/** Inbound triggers: an unguessable URL enqueues a job of one pool for one tenant, with the request's body as its input. */
import { RETENTION_ASYNC_MS } from "../../jobs/core/policy.ts";
import { runpodStatus } from "../../jobs/core/runpod-status.ts";
import { callRegistry } from "../../access/registry-stub.ts";
import { peppersOf } from "../../config/env.ts";
import type { Identity } from "../../wire/api-keys.ts";
import { signHook, verifyHook } from "../../jobs/wire/jobs-hook.ts";
import { runpodJobId } from "../../jobs/wire/jobs-ids.ts";
import { readJobOptions } from "../../jobs/wire/jobs-options.ts";
import { RUN_BODY_BYTES_MAX } from "../../jobs/wire/jobs-runpod.ts";
import { parseJson } from "../../wire/body.ts";
import { answerJson } from "../edge-request.ts";
import type { Authenticated, EdgeRequest } from "../edge-request.ts";
import type { Answer } from "../../wire/refusal.ts";
import { refuseProblem } from "./answers.ts";
import { exactJson } from "./exact-json.ts";
import { checkJob } from "./rails.ts";
import { admitCall } from "./rates.ts";
import { runWork } from "./runpod.ts";
import { policyOf, submitJob } from "./submit.ts";
import { readBody } from "../read-body.ts";

const NO_SUCH_HOOK = "There is no such hook: it has expired, or its URL is not whole. POST /admin/hooks makes one.";
/** An order is a line of JSON. */
const ORDER_BYTES_MAX = 16_384;
/** Ten years: longer is "never". */
const EXPIRES_SECONDS_MAX = 315_360_000;

/** `POST /admin/hooks {pool, tenant?, expiresInSeconds?}` → `{url, path, expiresAt}`. */
export async function makeHook(edge: Authenticated): Promise<Answer> {
  const bytes = await readBody(edge, ORDER_BYTES_MAX);
  if (!bytes.ok) return bytes.error;
  const json = parseJson(bytes.value);
  if (typeof json !== "object" || json === null) return { reason: "invalid_json" };
  const { pool, tenant = edge.identity.tenant, expiresInSeconds = null } = json as Readonly<Record<string, unknown>>;
  if (typeof pool !== "string" || !edge.runtime.pools.has(pool)) {
    return refuseProblem({ param: "pool", problem: "pool must name a pool." });
  }
  if (typeof tenant !== "string" || !(await hasKey(edge, tenant))) {
    return refuseProblem({ param: "tenant", problem: "tenant must be one that has a key." });
  }
  const isLife = (value: unknown): value is number =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= EXPIRES_SECONDS_MAX;
  if (expiresInSeconds !== null && !isLife(expiresInSeconds)) {
    const problem = `expiresInSeconds must be a whole number, 1 to ${EXPIRES_SECONDS_MAX}.`;
    return refuseProblem({ param: "expiresInSeconds", problem });
  }
  const expiresAtMs = expiresInSeconds === null ? null : Date.now() + expiresInSeconds * 1_000;
  const claims = { id: crypto.randomUUID(), tenant, poolId: pool, expiresAtMs };
  const path = `/hooks/${await signHook(claims, edge.env.WARMPATH_KEY_PEPPER ?? "")}`;
  const url = new URL(path, edge.request.url).href;
  const expiresAt = expiresAtMs === null ? null : new Date(expiresAtMs).toISOString();
  return answerJson(edge, { url, path, pool, tenant, expiresAt });
}

/** `POST /hooks/{token}`: the body is the input of a job. */
export async function triggered(edge: EdgeRequest, token: string): Promise<Answer> {
  const now = Date.now();
  const claims = await claimsOf(edge, token, now);
  const pool = claims === null ? undefined : edge.runtime.pools.get(claims.poolId);
  if (claims === null || pool === undefined) return { reason: "not_found", detail: NO_SUCH_HOOK };
  if (edge.request.method !== "POST") {
    return { reason: "method_not_allowed", headers: [["allow", "POST"]] };
  }
  const identity: Identity = { keyId: claims.id, tenant: claims.tenant, scopes: ["infer"] };
  const ticket = admitCall({ tenant: claims.tenant, pool: pool.config, operation: "run" }, now);
  if (ticket.kind === "refused") {
    return { reason: "rate_limited", retryAfterMs: ticket.retryAfterMs };
  }
  try {
    return await enqueue({ ...edge, identity }, pool);
  } finally {
    ticket.release();
  }
}

/** Of the config, or of the registry. */
async function hasKey({ env, runtime }: Authenticated, tenant: string): Promise<boolean> {
  if (runtime.config.keys.some((key) => key.tenant === tenant)) return true;
  const asked = await callRegistry(env, "list", { tenant, after: "", limit: 1 });
  return asked.ok && asked.value.length > 0;
}

/** A URL that was given under the old pepper is good until that one has gone. */
async function claimsOf({ env }: EdgeRequest, token: string, now: number) {
  for (const pepper of peppersOf(env)) {
    const claims = await verifyHook(token, pepper, now);
    if (claims !== null) return claims;
  }
  return null;
}

async function enqueue(edge: Authenticated, pool: Parameters<typeof submitJob>[1]): Promise<Answer> {
  const bytes = await readBody(edge, RUN_BODY_BYTES_MAX);
  if (!bytes.ok) return bytes.error;
  const json = parseJson(bytes.value);
  if (json === null) return { reason: "invalid_json" };
  const options = readJobOptions(edge.request.headers, Date.now(), edge.dev);
  if (!options.ok) return refuseProblem(options.error);
  const railed = await checkJob(edge, pool, { input: json });
  if (railed.kind === "refused") return railed.refusal;
  const { input: checked } = railed.body as { readonly input: unknown };
  const input = exactJson(bytes.value, json, checked);
  const work = runWork(edge, pool, { input, s3Config: null });
  if (!work.ok) return work.error;
  const submitted = await submitJob(edge, pool, {
    jobId: runpodJobId(crypto.randomUUID()),
    work: work.value,
    policy: policyOf(options.value, null, RETENTION_ASYNC_MS),
    // Whoever knows the URL may start jobs; where their answers go is the tenant's to say.
    webhook: null,
    tags: { ...options.value.tags, hook: edge.identity.keyId },
    idempotencyKey: options.value.idempotencyKey,
    batchId: null,
  });
  if (submitted.kind === "refused") return submitted.refusal;
  return answerJson(edge, { id: submitted.job.id, status: runpodStatus(submitted.job.status) });
}
