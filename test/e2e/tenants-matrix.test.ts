/**
 * What one tenant has, asked for by another, over every route that there is.
 *
 * The rows come from the table of routes that the reference is made of, which is held to the router's own tables: a route
 * that is added has to be given a row here, or this fails. For each, the stranger asks with the owner's ids in every
 * place that the route has for one, and nothing of the owner may be in what it gets: neither its marks nor a success on
 * its objects.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROUTES_SERVED } from "../../tools/reference/routes-table.ts";
import type { ServedRoute } from "../../tools/reference/routes-table.ts";
import { startKeyedRouter } from "../support/keyed-router.ts";
import { homeName } from "../../src/gateway/response-home.ts";
import { hashKeyOf } from "../../src/lib/keyed-hash.ts";
import type { Json, KeyedRouter, Said } from "../support/keyed-router.ts";

/** In everything that the owner sends: wherever a stranger sees it, it was the owner's. */
const MARK = `mark-${randomUUID()}`;
const IDEMPOTENCY = `own-${randomUUID()}`;

let one: KeyedRouter;
let owner = "";
let stranger = "";
/** What the owner has. */
const own = { runpod: "", native: "", batch: "", key: "", hook: "", response: "", file: "", stream: "", lines: "" };

beforeAll(async () => {
  one = await startKeyedRouter();
  const make = async (body: Json): Promise<Json> => (await one.ask("POST", "/admin/keys", one.operator, body)).json;
  const owners = await make({ tenant: "acme", scopes: ["infer"], note: MARK });
  owner = String(owners["key"]);
  own.key = String(owners["id"]);
  stranger = String((await make({ tenant: "umbrella", scopes: ["infer"], models: ["alpha", "alpha-long"] }))["key"]);
  const chat = { model: "alpha", max_tokens: 2, messages: [{ role: "user", content: MARK }] };
  const job = { input: { openai_route: "/v1/chat/completions", openai_input: chat } };
  const run = await one.ask("POST", "/v2/main/run", owner, job, { "idempotency-key": IDEMPOTENCY });
  own.runpod = String(run.json["id"]);
  const asked = await one.ask("POST", "/v1/chat/completions", owner, chat, { prefer: "respond-async" });
  own.native = String(asked.json["id"]);
  const batch = await one.ask("POST", "/v2/main/batch", owner, { requests: [job] });
  own.batch = String(batch.json["id"] ?? batch.json["batchId"]);
  // As an endpoint of the pool would have kept one, under the name that its owner was given.
  own.response = homeName(hashKeyOf(one.pepper), "acme", { endpointId: "a", id: "resp_1" });
  const form = new FormData();
  form.set("purpose", "batch");
  form.set("file", new File([MARK], `${MARK}.jsonl`));
  const headers = { authorization: `Bearer ${owner}` };
  const upload = await fetch(`${one.router.url}/v1/files`, { method: "POST", headers, body: form });
  own.file = String(((await upload.json()) as Json)["id"]);
  const stream = { "x-warmpath-resumable": "true" };
  const kept = await one.ask("POST", "/v1/chat/completions", owner, { ...chat, stream: true }, stream);
  own.stream = kept.headers.get("x-warmpath-stream") ?? "";
  const ordered = { input_file_id: own.file, endpoint: "/v1/chat/completions", completion_window: "24h" };
  const lines = await one.ask("POST", "/v1/batches", owner, { ...ordered, metadata: { mark: MARK } });
  own.lines = String(lines.json["id"]);
  own.hook = String(
    (await one.ask("POST", "/admin/hooks", one.operator, { pool: "main", tenant: "acme" })).json["path"],
  );
  expect(Object.values(own).filter((id) => id === "" || id === "undefined")).toEqual([]);
  const settled = async () => (await one.ask("GET", `/v2/main/status-sync/${own.runpod}`, owner)).json["status"];
  // Each look waits in the queue for the end.
  for (let looks = 0; looks < 5 && (await settled()) !== "COMPLETED"; looks += 1);
  expect(await settled()).toBe("COMPLETED");
});
afterAll(async () => one.close());

type Row = {
  /** With the owner's ids in it. */
  readonly path?: () => string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses that a stranger may get: by default 404 alone. */
  readonly may: readonly number[];
};

const NOT_FOUND: Row["may"] = [404];
/** It is the stranger's own: whatever it gets, nothing of the owner may be in it. */
const ITS_OWN: Row["may"] = [200, 202, 400];
const FORBIDDEN: Row["may"] = [403];
const chatOf = (model: string): Json => ({ model, max_tokens: 2, messages: [{ role: "user", content: "mine" }] });

/** By method and path of the table. */
const ROWS: Readonly<Record<string, Row>> = {
  // Models: `beta` is not allowed to the stranger.
  "POST /v1/chat/completions": { body: chatOf("beta"), may: NOT_FOUND },
  "POST /v1/completions": { body: { model: "beta", prompt: "x" }, may: NOT_FOUND },
  "POST /v1/embeddings": { body: { model: "beta", input: "x" }, may: NOT_FOUND },
  "POST /v1/responses": { body: { model: "beta", input: "x" }, may: NOT_FOUND },
  "GET /v1/responses/{id}": { path: () => `/v1/responses/${own.response}`, may: NOT_FOUND },
  "DELETE /v1/responses/{id}": { path: () => `/v1/responses/${own.response}`, may: NOT_FOUND },
  "GET /v1/streams/{name}": { path: () => `/v1/streams/${own.stream}`, may: NOT_FOUND },
  "POST /v1/responses/{id}/cancel": { path: () => `/v1/responses/${own.response}/cancel`, may: NOT_FOUND },
  "GET /v1/responses/{id}/input_items": { path: () => `/v1/responses/${own.response}/input_items`, may: NOT_FOUND },
  "POST /v1/messages": { body: chatOf("beta"), may: NOT_FOUND },
  "POST /v1/messages/count_tokens": { body: chatOf("beta"), may: NOT_FOUND },
  "POST /v1/images/generations": { body: { model: "beta", prompt: "x" }, may: NOT_FOUND },
  "POST /v1/images/edits": { body: { model: "beta", prompt: "x" }, may: NOT_FOUND },
  "POST /v1/images/variations": { body: { model: "beta" }, may: NOT_FOUND },
  "POST /v1/audio/transcriptions": { body: { model: "beta" }, may: NOT_FOUND },
  "POST /v1/audio/translations": { body: { model: "beta" }, may: NOT_FOUND },
  "POST /v1/audio/speech": { body: { model: "beta", input: "x", voice: "alloy" }, may: NOT_FOUND },
  "POST /v1/moderations": { body: { model: "beta", input: "x" }, may: NOT_FOUND },
  "POST /v1/rerank": { body: { model: "beta", query: "x", documents: ["x"] }, may: NOT_FOUND },
  "POST /v2/rerank": { body: { model: "beta", query: "x", documents: ["x"] }, may: NOT_FOUND },
  "POST /rerank": { body: { model: "beta", query: "x", documents: ["x"] }, may: NOT_FOUND },
  "POST /v1/score": { body: { model: "beta", text_1: "x", text_2: "x" }, may: NOT_FOUND },
  "POST /v1/tokenize": { body: { model: "beta", prompt: "x" }, may: NOT_FOUND },
  "POST /tokenize": { body: { model: "beta", prompt: "x" }, may: NOT_FOUND },
  "POST /v1/detokenize": { body: { model: "beta", tokens: [1] }, may: NOT_FOUND },
  "POST /detokenize": { body: { model: "beta", tokens: [1] }, may: NOT_FOUND },
  "GET /v1/realtime": { path: () => "/v1/realtime?model=beta", may: NOT_FOUND },
  "GET /v1/models": { may: [200] },
  "GET /v1/usage": { may: [200] },
  "GET /v1/models/{model…}": { path: () => "/v1/models/beta", may: NOT_FOUND },
  "ANY /p/{pool}/{path…}": { path: () => "/p/other/v1/chat/completions", body: chatOf("beta"), may: NOT_FOUND },
  // Files.
  "POST /v1/files": { body: {}, may: [415] },
  "GET /v1/files": { path: () => "/v1/files", may: [200] },
  "GET /v1/files/{id}": { path: () => `/v1/files/${own.file}`, may: NOT_FOUND },
  "GET /v1/files/{id}/content": { path: () => `/v1/files/${own.file}/content`, may: NOT_FOUND },
  "DELETE /v1/files/{id}": { path: () => `/v1/files/${own.file}`, may: NOT_FOUND },
  "POST /v1/batches": {
    path: () => "/v1/batches",
    get body() {
      return { input_file_id: own.file, endpoint: "/v1/chat/completions", completion_window: "24h" };
    },
    may: [400],
  },
  "GET /v1/batches": { path: () => "/v1/batches", may: [200] },
  "GET /v1/batches/{id}": { path: () => `/v1/batches/${own.lines}`, may: NOT_FOUND },
  "POST /v1/batches/{id}/cancel": { path: () => `/v1/batches/${own.lines}/cancel`, may: NOT_FOUND },
  // Jobs.
  "GET /v1/jobs": { path: () => "/v1/jobs?pool=main", may: [200] },
  "GET /v1/jobs/dead-letters": { path: () => "/v1/jobs/dead-letters?pool=main", may: [200] },
  "GET /v1/jobs/dead-webhooks": { path: () => "/v1/jobs/dead-webhooks?pool=main", may: [200] },
  "POST /v1/jobs/dead-webhooks/{id}/replay": {
    path: () => `/v1/jobs/dead-webhooks/${own.runpod}/replay?pool=main`,
    may: NOT_FOUND,
  },
  "GET /v1/jobs/{id}": { may: NOT_FOUND },
  "GET /v1/jobs/{id}/result": { may: NOT_FOUND },
  "GET /v1/jobs/{id}/events": { may: NOT_FOUND },
  "DELETE /v1/jobs/{id}": { may: NOT_FOUND },
  "POST /v1/jobs/{id}/cancel": { may: NOT_FOUND },
  "POST /v1/jobs/{id}/retry": { may: NOT_FOUND },
  // The same key as the owner's names another job.
  "POST /v2/{pool}/run": {
    body: { input: { openai_route: "/v1/chat/completions", openai_input: chatOf("alpha") } },
    headers: { "idempotency-key": IDEMPOTENCY },
    may: [200],
  },
  "POST /v2/{pool}/runsync": {
    body: { input: { openai_route: "/v1/models", openai_input: chatOf("beta") } },
    may: NOT_FOUND,
  },
  "GET /v2/{pool}/status/{id}": { may: NOT_FOUND },
  "GET /v2/{pool}/status-sync/{id}": { may: NOT_FOUND },
  "GET /v2/{pool}/stream/{id}": { may: NOT_FOUND },
  "POST /v2/{pool}/cancel/{id}": { may: NOT_FOUND },
  "POST /v2/{pool}/retry/{id}": { may: NOT_FOUND },
  "POST /v2/{pool}/purge-queue": { may: [200] },
  "GET /v2/{pool}/health": { may: [200] },
  "GET /v2/{pool}/requests": { may: [200] },
  "POST /v2/{pool}/batch": { body: {}, may: ITS_OWN },
  "GET /v2/{pool}/batch/{batch}": { may: NOT_FOUND },
  "POST /v2/{pool}/batch/{batch}/requests": { body: { requests: [] }, may: [400, 404] },
  "GET /v2/{pool}/batch/{batch}/requests": { may: NOT_FOUND },
  "POST /v2/{pool}/batch/{batch}/finalize": { may: NOT_FOUND },
  "POST /v2/{pool}/batch/{batch}/cancel": { may: NOT_FOUND },
  "ANY /v2/{pool}/openai/{path…}": {
    path: () => "/v2/main/openai/v1/chat/completions",
    body: chatOf("beta"),
    may: NOT_FOUND,
  },
  "POST /dashboard/api/session": { path: () => "/dashboard/api/session", body: { key: "wp_guessed" }, may: [401, 403] },
  // Static, and the same for everybody; not there where the page was not built.
  "GET /dashboard": { may: [200, 404] },
  "GET /dashboard/{file}": { may: NOT_FOUND },
  // The hook is the owner's: whoever knows it may enqueue for the owner, and learns nothing but a job's id.
  "POST /hooks/{token}": { path: () => `${own.hook.slice(0, -2)}xx`, body: {}, may: NOT_FOUND },
  "GET /openapi.json": { may: [200] },
  "GET /livez": { may: [200] },
  "GET /readyz": { may: [200] },
};

/** What needs another scope than the stranger's is refused as a whole. */
const rowOf = ({ method, path, scope }: ServedRoute): Row | undefined =>
  ROWS[`${method} ${path}`] ?? (scope === "admin" || scope === "worker" ? { may: FORBIDDEN } : undefined);

const filled = (path: string): string =>
  path
    .replace("{pool}", "main")
    .replace("{region}", "here")
    .replace("{batch}", own.batch)
    .replace("{worker}", "w1")
    .replace("{model…}", "beta")
    .replace("{path…}", "health")
    .replace("{token}", "x")
    .replace("{name}", "x")
    .replace(
      /\{(?:id|[a-z]+)…?\}/,
      path.startsWith("/v1/") ? own.native : path.startsWith("/admin/keys") ? own.key : own.runpod,
    );

async function askAs(key: string | null, route: ServedRoute): Promise<Said> {
  const { path = () => filled(route.path), body, headers = {} } = rowOf(route) ?? { may: [] };
  const method = route.method === "ANY" ? (body === undefined ? "GET" : "POST") : route.method;
  const sent = body ?? (method === "POST" ? {} : undefined);
  return one.ask(method, path(), key, sent, headers);
}

test("every route has a row", () => {
  const missing = ROUTES_SERVED.filter((route) => rowOf(route) === undefined).map(
    ({ method, path }) => `${method} ${path}`,
  );
  expect(missing).toEqual([]);
  const served = new Set(ROUTES_SERVED.map(({ method, path }) => `${method} ${path}`));
  expect(Object.keys(ROWS).filter((row) => !served.has(row))).toEqual([]);
});

describe.each(ROUTES_SERVED)("$method $path", (route) => {
  test("gives a stranger nothing of the owner's", async () => {
    const { status, text, headers } = await askAs(stranger, route);
    expect(rowOf(route)?.may, text).toContain(status);
    const all = `${text}${JSON.stringify([...headers])}`;
    // An error may repeat what was asked for.
    const told = status === 404 ? all.replaceAll(filled(route.path), "") : all;
    expect([
      told.includes(MARK),
      status < 300 && [own.runpod, own.native, own.batch, own.file, own.lines].some((id) => told.includes(id)),
    ]).toEqual([false, false]);
  });

  test("is 401 without a key, where it needs one", async () => {
    if (route.scope === null) return;
    expect((await askAs(null, route)).status).toBe(401);
  });
});

test("after all of that the owner still has what it had", async () => {
  const job = await one.ask("GET", `/v1/jobs/${own.native}/result`, owner);
  expect([200, 202]).toContain(job.status);
  expect((await one.ask("GET", `/v2/main/batch/${own.batch}`, owner)).status).toBe(200);
  expect((await one.ask("GET", `/v1/files/${own.file}/content`, owner)).text).toBe(MARK);
  expect((await one.ask("GET", `/v1/batches/${own.lines}`, owner)).json["metadata"]).toEqual({ mark: MARK });
  const listed = await one.ask("GET", "/v2/main/requests", owner);
  expect(listed.text).toContain(own.runpod);
});

test("a session or a long prompt of one tenant leads nobody else's request, and its key for it is not the same", async () => {
  const { affinityKeyOf } = await import("../../src/gateway/affinity-key.ts");
  const { sessionKeyOf } = await import("../../src/gateway/session-key.ts");
  const secret = hashKeyOf(one.pepper);
  const headers = new Headers({ "x-warmpath-session": "same" });
  const json = { messages: [{ role: "user", content: "word ".repeat(5_000) }] };
  const keyOf = (tenant: string) => {
    const session = sessionKeyOf(secret, tenant, headers, json);
    const asked = { mode: "prefix", tenant, session: null, json, hasPrompt: true, inputTokens: 6_000 } as const;
    return [session, affinityKeyOf(secret, asked)?.key];
  };
  const [mine, theirs] = [keyOf("acme"), keyOf("umbrella")];
  expect(mine.some((key) => key === undefined || key === null || theirs.includes(key))).toBe(false);
});
