/**
 * Ten thousand requests over three isolates that share one feed, a tenth of which fail in planted ways; the feed loses its
 * memory twice while they run, and the whole router is killed once between two halves. What `/metrics` says then is, read by a
 * foreign parser, what the load has counted: by tenant, by outcome, by reason, to the last one.
 */
import { Agent, createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { readMetrics } from "../support/metrics-text.ts";
import type { Metrics } from "../support/metrics-text.ts";

const REQUESTS = Number(process.env["METRICS_REQUESTS"] ?? 10_000);
const CONNECTIONS = 24;
/** Reports come each second; a busy machine takes its time. */
const LATE_MS = 60_000;
const TENANTS = ["acme", "globex", "initech"] as const;
const PROMPT_TOKENS = 7;
const ANSWER_TOKENS = 3;

/** What is planted in a request, and what must be counted for it. */
const KINDS = {
  plain: { outcome: "served", reason: "" },
  stream: { outcome: "served", reason: "" },
  error_500: { outcome: "upstream_failed", reason: "upstream_failed" },
  blocked: { outcome: "blocked", reason: "blocked_by_guardrail" },
  no_model: { outcome: "refused", reason: "unknown_model" },
  no_key: { outcome: "refused", reason: "unauthorized" },
  no_json: { outcome: "refused", reason: "invalid_json" },
  /** The client leaves in the middle of the stream. */
  leaves: { outcome: "cancelled", reason: "client_left" },
} as const;

type Kind = keyof typeof KINDS;
type Ending = { readonly outcome: string; readonly reason: string };

/** What else may become of a request on a machine that is busy, by the code that its client is told. */
const BY_CODE: Readonly<Record<string, Ending>> = {
  upstream_failed: { outcome: "upstream_failed", reason: "upstream_failed" },
  upstream_timeout: { outcome: "expired", reason: "upstream_timeout" },
  upstream_cut: { outcome: "upstream_failed", reason: "upstream_cut" },
  saturated: { outcome: "shed", reason: "saturated" },
  no_endpoint: { outcome: "no_endpoint", reason: "no_endpoint" },
  pool_down: { outcome: "no_endpoint", reason: "pool_down" },
  warming_up: { outcome: "no_endpoint", reason: "warming_up" },
  blocked_by_guardrail: { outcome: "blocked", reason: "blocked_by_guardrail" },
  model_not_found: { outcome: "refused", reason: "unknown_model" },
  invalid_api_key: { outcome: "refused", reason: "unauthorized" },
  invalid_json: { outcome: "refused", reason: "invalid_json" },
};
/** What a request may come to that nothing is planted in, or an endpoint's error. */
const AT_ENDPOINTS: ReadonlySet<Kind> = new Set(["plain", "stream", "error_500"]);

/** One in twenty of each failure, but for those that cost the endpoints their good name or the test its time. */
const PLANT: readonly Kind[] = [
  ...Array.from<Kind>({ length: 64 }).fill("plain"),
  ...Array.from<Kind>({ length: 20 }).fill("stream"),
  ...Array.from<Kind>({ length: 4 }).fill("blocked"),
  ...Array.from<Kind>({ length: 4 }).fill("no_model"),
  ...Array.from<Kind>({ length: 3 }).fill("no_key"),
  ...Array.from<Kind>({ length: 3 }).fill("no_json"),
  "error_500",
  "leaves",
];

let models: readonly Server[];
let fleet: Fleet;
let stateDir: string;
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "warmpath-metrics-"));
  models = await Promise.all([modelServer(), modelServer(), modelServer(), modelServer()]);
  const endpoints = models.map((server, index) => ({
    id: `gpu-${index}`,
    region: "us-east",
    backend: "openai",
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    concurrencyPerWorker: 64,
  }));
  // Nobody listens there.
  const dead = { id: "gpu-dead", region: "us-east", backend: "openai", url: "http://127.0.0.1:9" };
  fleet = await startFleet({
    endpoints: [],
    keys: TENANTS.map((tenant) => ({ id: tenant, tenant })),
    pool: { endpoints: [...endpoints, dead], rails: { input: [{ use: "secrets", action: "block" }] } },
    siblings: 2,
    stateDir,
  });
});

afterAll(async () => {
  await fleet.close();
  agent.destroy();
  for (const server of models) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(stateDir, { recursive: true, force: true });
});

/** Answers at once, fails where the prompt says so, and holds a stream open where the client is to leave. */
async function modelServer(): Promise<Server> {
  const usage = { prompt_tokens: PROMPT_TOKENS, completion_tokens: ANSWER_TOKENS, total_tokens: 10 };
  const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
  const chunk = (delta: object, finish: string | null = null) =>
    event({ id: "1", object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] });
  const server = createServer((asked, reply) => {
    void bodyOf(asked).then((body) => {
      if (asked.method === "GET") return reply.writeHead(200).end("{}");
      if (body.includes("error_500")) return reply.writeHead(500).end('{"error":{"message":"planted"}}');
      if (!body.includes('"stream":true')) {
        const message = { role: "assistant", content: "three tokens here" };
        const answer = {
          id: "1",
          object: "chat.completion",
          choices: [{ index: 0, message, finish_reason: "stop" }],
          usage,
        };
        return reply.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
      }
      reply.writeHead(200, { "content-type": "text/event-stream" });
      reply.write(chunk({ role: "assistant", content: "three" }));
      if (body.includes("leaves")) return untilGone(reply, chunk({ content: "…" }));
      const end = event({ id: "1", object: "chat.completion.chunk", choices: [], usage });
      return reply.end(`${chunk({ content: " tokens" })}${chunk({}, "stop")}${end}data: [DONE]\n\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** A client that has left is seen when something is written to it. */
function untilGone(reply: ServerResponse, piece: string): void {
  const timer = setInterval(() => reply.write(piece), 10);
  reply.once("close", () => clearInterval(timer));
}

async function bodyOf(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const piece of stream) chunks.push(piece as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** Sends one, to the isolate of its number. Resolves when nothing more comes of it: to how its client saw it end. */
async function send(index: number, kind: Kind, tenant: string): Promise<Ending> {
  const isStream = kind === "stream" || kind === "leaves";
  const secret = kind === "blocked" ? ` AKIA${"Q4F5BNZSWAIK7GLP"} ` : "";
  const model = kind === "no_model" ? "no-such-model" : fleet.model;
  // Each its own prompt: one that keeps failing would be refused after a while, rightly.
  const messages = [{ role: "user", content: `${kind} ${index}${secret}` }];
  const body = kind === "no_json" ? "{" : JSON.stringify({ model, stream: isStream, max_tokens: 4, messages });
  const key = kind === "no_key" ? "wp_nobody" : fleet.keyOf(tenant);
  const socketPath = fleet.router.siblings?.[(index % 3) - 1];
  const where = socketPath === undefined ? { host: "127.0.0.1", port: fleet.router.port } : { socketPath };
  return new Promise<Ending>((resolve, reject) => {
    const options = { ...where, agent, method: "POST", path: "/v1/chat/completions" };
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const sent = httpRequest({ ...options, headers: { ...headers, "content-length": Buffer.byteLength(body) } });
    sent.on("error", reject);
    sent.on("response", (answer) => {
      answer.on("error", () => undefined);
      if (kind === "leaves") {
        answer.once("data", () => {
          sent.off("error", reject);
          sent.on("error", () => undefined);
          sent.destroy();
          resolve(KINDS.leaves);
        });
        return;
      }
      bodyOf(answer).then((text) => {
        const [, code] = /"code":"(\w+)"/.exec(text) ?? [];
        const ending = code === undefined ? KINDS.plain : BY_CODE[code];
        const isPlanted = ending?.reason === KINDS[kind].reason;
        if (ending !== undefined && (isPlanted || AT_ENDPOINTS.has(kind))) resolve(ending);
        else reject(new Error(`request ${index}, ${kind}, was answered ${answer.statusCode}: ${text}`));
      }, reject);
    });
    sent.end(body);
  });
}

type Counted = { readonly byTenant: Record<string, number>; readonly byReason: Record<string, number> };

/** Sends these, and counts what it sends. At each tenth of them something may be done beside. */
async function load(
  from: number,
  to: number,
  counted: Counted,
  beside: ReadonlyMap<number, () => void>,
): Promise<void> {
  let next = from;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < to; index = next++) {
      beside.get(index)?.();
      const kind = PLANT[(index * 37) % PLANT.length] ?? "plain";
      const tenant = TENANTS[Math.floor(index / 3) % TENANTS.length] ?? "acme";
      const { outcome, reason } = await send(index, kind, tenant);
      // Who shows no good key is nobody's tenant.
      add(counted.byTenant, `${kind === "no_key" ? "" : tenant} ${outcome}`);
      add(counted.byReason, `${outcome} ${reason}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}

function add(sums: Record<string, number>, key: string): void {
  sums[key] = (sums[key] ?? 0) + 1;
}

/** Once as many are counted as were sent. */
async function metricsOf(count: number): Promise<Metrics> {
  const byReason = (metrics: Metrics) => metrics.sums("warmpath_requests_total", ["outcome", "reason"]);
  let metrics = readMetrics("");
  const look = async () => {
    metrics = readMetrics(await (await fleet.call("/metrics")).text());
    return byReason(metrics);
  };
  const sum = (sums: Readonly<Record<string, number>>) => Object.values(sums).reduce((all, one) => all + one, 0);
  await fleet.until(look, (sums) => sum(sums) >= count, LATE_MS);
  return metrics;
}

test("what three isolates were asked is counted to the last request, over restarts of the feed and of the router", async () => {
  const counted: Counted = { byTenant: {}, byReason: {} };
  const half = Math.floor(REQUESTS / 2);
  const restartFeed = () => void fleet.call("/admin/feed/restart", { method: "POST" }).catch(() => undefined);
  await load(0, half, counted, new Map([half * 0.3, half * 0.7].map((at) => [Math.floor(at), restartFeed])));
  await metricsOf(half);
  await fleet.crash();
  await load(half, REQUESTS, counted, new Map([[Math.floor(REQUESTS * 0.8), restartFeed]]));
  const metrics = await metricsOf(REQUESTS);

  expect(metrics.sums("warmpath_tenant_requests_total", ["tenant", "outcome"])).toEqual(counted.byTenant);
  expect(metrics.sums("warmpath_requests_total", ["outcome", "reason"])).toEqual(counted.byReason);
  const served = counted.byReason["served "] ?? 0;
  expect(metrics.sums("warmpath_tokens_total", ["type"])).toMatchObject({
    input: served * PROMPT_TOKENS,
    output: served * ANSWER_TOKENS,
  });
  expect(metrics.sums("warmpath_feed_reports_lost_total")).toEqual({ "": 0 });
  expect(metrics.sums("warmpath_feed_up")).toEqual({ "": 1 });
  // Whoever named no pool has no time at one.
  const atDoor = ["unknown_model", "unauthorized", "invalid_json"].reduce(
    (sum, reason) => sum + (counted.byReason[`refused ${reason}`] ?? 0),
    0,
  );
  expect(metrics.sums("gen_ai_server_request_duration_seconds_count")).toEqual({ "": REQUESTS - atDoor });
  const verdicts = metrics.sums("warmpath_rail_verdicts_total", ["rail", "action"]);
  expect(verdicts["secrets block"]).toBe(counted.byReason["blocked blocked_by_guardrail"]);
}, 600_000);
