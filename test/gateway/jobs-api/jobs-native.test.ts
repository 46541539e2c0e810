/** The plain surface: a request that becomes a job, and the job's own pages. */
import { describe, expect, test, vi } from "vitest";
import { ERRORS } from "../../../src/wire/errors.ts";
import type { ErrorReason } from "../../../src/wire/errors.ts";
import { surface } from "./jobs-surface.ts";
import type { Json } from "./jobs-surface.ts";

const CHAT = { model: "llama", messages: [{ role: "user", content: "hi" }] };
const ASYNC = { prefer: "respond-async", "content-type": "application/json" };

/** Never asked for: the test fails if it is. */
const never = (): Response => new Response("served at once", { status: 599 });

async function asked(
  headers: Readonly<Record<string, string>> = {},
  path = "/v1/chat/completions",
  body: unknown = CHAT,
) {
  const made = surface();
  const answer = await made.ask(path, { headers: { ...ASYNC, ...headers }, body }, never);
  const text = await answer.text();
  return { ...made, answer, json: (text.startsWith("{") ? JSON.parse(text) : { text }) as Json };
}

describe("Prefer: respond-async", () => {
  test("is 202 with the job's place, whose name tells its pool", async () => {
    const { answer, json, queue } = await asked();
    expect(answer.status).toBe(202);
    expect(answer.headers.get("preference-applied")).toBe("respond-async");
    const location = answer.headers.get("location") ?? "";
    expect(location).toMatch(/^\/v1\/jobs\/job_[0-9a-f-]{36}~main$/);
    expect(json).toMatchObject({ object: "job", status: "queued", pool: "main", urls: { status: location } });
    expect(queue.submitted()[0]?.work).toEqual({
      kind: "http",
      method: "POST",
      path: "/v1/chat/completions",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(CHAT),
      stream: false,
    });
  });

  test.each([
    ["/p/main/generate?x=1", "/generate?x=1"],
    ["/score", "/v1/score"],
  ])("on %s the endpoint is called at %s", async (path, expected) => {
    const { queue } = await asked({}, path, { stream: true });
    expect(queue.submitted()[0]?.work).toMatchObject({ path: expected, stream: true });
  });

  test.each([
    ["/v1/chat/completions", { messages: [] }, 400],
    ["/v1/chat/completions", { ...CHAT, model: "nobody" }, 404],
    ["/p/nowhere/x", {}, 404],
  ])("on %s with %j is refused as it is without a job", async (path, body, status) => {
    expect((await asked({}, path, body)).answer.status).toBe(status);
  });

  test("with a wait that is enough, the answer is the answer", async () => {
    const { queue, ask } = surface();
    const { view } = queue.rpc;
    queue.rpc.view = async (tenant, id, waitMs) => {
      const answer = { status: 201, contentType: "text/plain" };
      queue.change(id, { status: "completed", endedMs: 2_000, output: '"done"', answer });
      return view(tenant, id, waitMs);
    };
    const answer = await ask(
      "/v1/chat/completions",
      { headers: { prefer: "respond-async, wait=10" }, body: CHAT },
      never,
    );
    expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
      201,
      "text/plain",
      "done",
    ]);
    expect(answer.headers.get("preference-applied")).toBe("respond-async, wait=10");
    expect(queue.calls.at(-1)?.at(-1)).toBe(10_000);
  });

  test("options go by headers, and a wrong one is refused by name", async () => {
    const { queue } = await asked({
      "x-warmpath-priority": "high",
      "x-warmpath-start-timeout": "30",
      "x-warmpath-run-timeout": "60",
      "x-warmpath-ttl": "3600",
      "x-warmpath-no-retry": "yes",
      "x-warmpath-tags": "team=vision, run=7",
      "x-warmpath-webhook": "https://example.com/h",
      "x-warmpath-webhook-events": "job.completed, job.failed",
    });
    expect(queue.submitted()[0]).toMatchObject({
      policy: { priority: 2, startWithinMs: 30_000, executionTimeoutMs: 60_000, ttlMs: 3_600_000, attemptsMax: 1 },
      tags: { team: "vision", run: "7" },
      webhook: { url: "https://example.com/h", form: "standard", events: ["job.completed", "job.failed"] },
    });
    const { answer, json } = await asked({ "x-warmpath-priority": "urgent" });
    expect([answer.status, json["error"]]).toEqual([400, expect.objectContaining({ param: "x-warmpath-priority" })]);
  });

  test("the same key and body is the same job, and another body is 422", async () => {
    const { ask, queue } = surface();
    const send = async (body: unknown) =>
      ask("/v1/chat/completions", { headers: { ...ASYNC, "idempotency-key": '"k-1"' }, body }, never);
    const [first, second] = [await send(CHAT), await send(CHAT)];
    expect(second.headers.get("location")).toBe(first.headers.get("location"));
    expect(queue.jobs.size).toBe(1);
    const other = await send({ ...CHAT, max_tokens: 1 });
    expect([other.status, ((await other.json()) as { error: Json }).error]).toMatchObject([
      422,
      { code: "idempotency_conflict" },
    ]);
  });

  test("a body that is no text cannot be kept, and says so", async () => {
    const bytes = new Uint8Array([0xff, 0xfe, 0x00]);
    const { answer, queue } = await asked({}, "/p/main/generate", bytes);
    expect([answer.status, queue.jobs.size]).toEqual([415, 0]);
  });
});

describe("a request that may become a job when all are busy", () => {
  const refusing = (reason: ErrorReason) => () => ({ reason });
  const headers = { "x-warmpath-on-busy": "job", "content-type": "application/json" };

  test("is served at once where there is room, with its body", async () => {
    const { ask, queue } = surface();
    const answer = await ask(
      "/v1/chat/completions",
      { headers, body: CHAT },
      async (edge) => new Response(await (edge as { request: Request }).request.text()),
    );
    expect(await answer.json()).toEqual(CHAT);
    expect(queue.jobs.size).toBe(0);
  });

  test.each<ErrorReason>(["saturated", "no_endpoint", "warming_up", "jobs_only"])(
    "becomes one instead of %s",
    async (reason) => {
      const { ask, queue } = surface();
      const answer = await ask("/v1/chat/completions", { headers, body: CHAT }, refusing(reason));
      expect([answer.status, queue.jobs.size]).toEqual([202, 1]);
      expect(answer.headers.get("preference-applied")).toBeNull();
    },
  );

  const others = (Object.keys(ERRORS) as ErrorReason[]).filter(
    (reason) => !["saturated", "no_endpoint", "warming_up", "jobs_only"].includes(reason),
  );
  test.each(others)("stays %s", async (reason) => {
    const { ask, queue } = surface();
    const answer = await ask("/v1/chat/completions", { headers, body: CHAT }, refusing(reason));
    expect([answer.status, queue.jobs.size]).toEqual([ERRORS[reason].status, 0]);
  });

  test("stays what an endpoint has answered, though it says the same as a refusal of ours", async () => {
    const { ask, queue } = surface();
    const said = Response.json({ error: { code: "saturated" } }, { status: 429 });
    const answer = await ask("/v1/chat/completions", { headers, body: CHAT }, () => said);
    expect([answer, queue.jobs.size]).toEqual([said, 0]);
  });
});

describe("/v1/jobs", () => {
  async function withJob(changed: object = {}) {
    const made = await asked();
    const id = String(made.json["id"]);
    made.queue.change(id.slice(0, id.indexOf("~")), changed);
    const get = async (path = "", headers = {}) => made.call(`/v1/jobs/${id}${path}`, { method: "GET", headers });
    return { ...made, id, get };
  }

  test("shows a job, and holds the answer as long as the client prefers", async () => {
    const { get, queue, id } = await withJob();
    const { status, json } = await get("", { prefer: "wait=5" });
    expect([status, json["id"], json["submittedAt"]]).toEqual([200, id, "1970-01-01T00:00:01.000Z"]);
    expect(queue.calls.at(-1)?.at(-1)).toBe(5_000);
  });

  test.each([
    [{ status: "running" }, 202, { status: "running" }],
    [
      { status: "completed", output: '{"a":1}', answer: { status: 200, contentType: "application/json" } },
      200,
      { a: 1 },
    ],
    [{ status: "cancelled" }, 410, { error: { code: "job_cancelled" } }],
    [{ status: "timed_out" }, 504, { error: { code: "job_timed_out" } }],
    [{ status: "expired" }, 504, { error: { code: "job_timed_out" } }],
    [{ status: "failed", error: "boom" }, 502, { error: { code: "job_failed", message: "The job failed: boom" } }],
    [
      { status: "failed", error: '{"detail":"bad"}', answer: { status: 400, contentType: "application/json" } },
      400,
      { detail: "bad" },
    ],
  ])("result of %j is %i", async (changed, status, json) => {
    const { get } = await withJob(changed);
    expect(await get("/result")).toMatchObject({ status, json });
  });

  test("cancels by DELETE and by POST, and retries what failed", async () => {
    const { call, queue, id } = await withJob();
    expect((await call(`/v1/jobs/${id}`, { method: "DELETE" })).json["status"]).toBe("cancelled");
    expect((await call(`/v1/jobs/${id}/cancel`)).json["status"]).toBe("cancelled");
    expect((await call(`/v1/jobs/${id}/retry`)).status).toBe(400);
    queue.change(id.slice(0, id.indexOf("~")), { status: "failed" });
    expect((await call(`/v1/jobs/${id}/retry`)).json["status"]).toBe("queued");
  });

  test("is 404 to another tenant, under another pool, and without one", async () => {
    const { call, id } = await withJob();
    const bare = id.slice(0, id.indexOf("~"));
    for (const [name, tenant] of [
      [id, "others"],
      [`${bare}~images2`, "tests"],
      [`${bare}~__proto__`, "tests"],
      [bare, "tests"],
    ] as const) {
      for (const path of ["", "/result", "/events"]) {
        expect((await call(`/v1/jobs/${name}${path}`, { method: "GET", tenant })).status).toBe(404);
      }
    }
  });

  test("lists the tenant's own jobs of a pool, and its dead letters", async () => {
    const { call, id } = await withJob({ status: "failed" });
    const ids = async (path: string, tenant = "tests") => {
      const { json } = await call(path, { method: "GET", tenant });
      return (json["data"] as Json[]).map((job) => job["id"]);
    };
    expect(await ids("/v1/jobs?pool=main")).toEqual([id]);
    expect(await ids("/v1/jobs?pool=main&status=queued")).toEqual([]);
    expect(await ids("/v1/jobs/dead-letters?pool=main")).toEqual([id]);
    expect(await ids("/v1/jobs?pool=main", "others")).toEqual([]);
    expect((await call("/v1/jobs", { method: "GET" })).status).toBe(400);
    expect((await call("/v1/jobs?pool=main&status=odd", { method: "GET" })).status).toBe(400);
  });
});

describe("/hooks", () => {
  test("a hook enqueues its body as an input of its pool and tenant", async () => {
    const { call, queue } = surface();
    const { json } = await call("/admin/hooks", { body: { pool: "images", tenant: "others" } });
    const path = String(json["path"]);
    const answer = await call(path, {
      body: { event: "push" },
      headers: { "x-warmpath-webhook": "https://evil.example" },
    });
    expect(answer).toMatchObject({ status: 200, json: { id: expect.stringMatching(/-u1$/), status: "IN_QUEUE" } });
    expect(queue.submitted()[0]).toMatchObject({ tenant: "others", webhook: null, work: { path: "/predictions" } });
  });

  test("any other token is 404, and so is one whose time is over", async () => {
    const { call } = surface();
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    const { json } = await call("/admin/hooks", { body: { pool: "main", expiresInSeconds: 1 } });
    const path = String(json["path"]);
    for (const wrong of ["/hooks/", "/hooks/x", "/hooks/a.b", `${path}A`, `${path}.x`, path.replace(/.$/, "!")]) {
      expect((await call(wrong, { body: {} })).status).toBe(404);
    }
    vi.setSystemTime(1_000_999);
    expect((await call(path, { body: {} })).status).toBe(200);
    vi.setSystemTime(1_001_000);
    expect((await call(path, { body: {} })).status).toBe(404);
    vi.useRealTimers();
  });

  test.each([
    [{ pool: "nowhere" }, "pool"],
    [{ pool: "main", tenant: "nobody" }, "tenant"],
    [{ pool: "main", expiresInSeconds: 0 }, "expiresInSeconds"],
  ])("a hook for %j is refused", async (body, param) => {
    const { status, json } = await surface().call("/admin/hooks", { body });
    expect([status, json["error"]]).toEqual([400, expect.objectContaining({ param })]);
  });

  test("only an operator makes one, or pauses a queue", async () => {
    const { call, queue } = surface();
    const scopes = ["infer"];
    expect((await call("/admin/hooks", { body: { pool: "main" }, scopes })).status).toBe(403);
    expect((await call("/admin/jobs/main/pause", { scopes })).status).toBe(403);
    for (const [action, mode] of [
      ["pause", "paused"],
      ["resume", "open"],
      ["drain", "draining"],
    ]) {
      expect((await call(`/admin/jobs/main/${action}`)).json).toEqual({ pool: "main", mode });
      expect(queue.calls.at(-1)).toEqual(["setMode", mode]);
    }
    expect((await call("/admin/jobs/nowhere/pause")).status).toBe(404);
    expect((await call("/admin/jobs/main/explode")).status).toBe(404);
  });

  test("limits change without a deploy, and a wrong one is refused by name", async () => {
    const { call } = surface();
    const limits = { globalLimit: 4, tenantLimit: null, onConflict: "reject", depthMax: 0, ageingMs: 60_000 };
    expect((await call("/admin/jobs/main/limits", { body: limits })).json).toEqual({ pool: "main", limits });
    for (const [name, value] of Object.entries({
      globalLimit: -1,
      depthMax: 1_000_001,
      onConflict: "wait",
      ageingMs: 0,
      unknown: 1,
    })) {
      const { status, json } = await call("/admin/jobs/main/limits", { body: { [name]: value } });
      expect([status, json["error"]]).toEqual([400, expect.objectContaining({ param: name })]);
    }
  });

  test("a tenant lists its webhooks that could not be delivered, and sends one again", async () => {
    const { call, queue } = surface();
    const { json } = await call("/v1/jobs/dead-webhooks?pool=main", { method: "GET" });
    expect(json).toMatchObject({ object: "list", data: [{ webhookId: "msg_1" }] });
    expect((await call("/v1/jobs/dead-webhooks/msg_1/replay?pool=main")).status).toBe(200);
    expect(queue.calls.at(-1)).toEqual(["replayDelivery", "tests", "msg_1"]);
    expect((await call("/v1/jobs/dead-webhooks/msg_2/replay?pool=main")).status).toBe(404);
  });
});
