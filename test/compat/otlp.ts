/**
 * `npm run test:otlp`: spans of the built bundle on raw workerd, read by receivers that are not ours. Each that cannot be
 * had here is skipped, and said so.
 *
 * - The protobuf classes of PyPI's `opentelemetry-proto`, which parse the JSON strictly. The interpreter is
 *   WARMPATH_PYTHON, or python3; without the package a virtual environment is made for the run.
 * - The OpenTelemetry collector, where WARMPATH_OTELCOL names its binary: any that has the receiver `otlp` and the exporter
 *   `debug`. With Go it is made by the project's own builder (docs/how-to/logs-and-traces.md).
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { pythonWith } from "../support/python.ts";
import { freePort } from "../support/free-port.ts";

const START_MS_MAX = 60_000;
const LOOK_MS = 50;
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";

type Read = {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  readonly isInOrder: boolean;
  readonly hasDoubles: boolean;
  readonly attributes: Readonly<Record<string, readonly [type: string, value: unknown]>>;
};

type Collector = { readonly url: string; readonly said: () => string; readonly stop: () => void };

/** What the router sent, as it sent it, and how each of the collector's answers was. */
const exports: string[] = [];
const collected: number[] = [];

/** Null: none was named. */
async function startCollector(folder: string): Promise<Collector | null> {
  const binary = process.env["WARMPATH_OTELCOL"];
  if (binary === undefined) return null;
  const endpoint = `127.0.0.1:${await freePort()}`;
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint } } } },
    exporters: { debug: { verbosity: "detailed", use_internal_logger: false } },
    service: {
      telemetry: { metrics: { level: "none" } },
      pipelines: { traces: { receivers: ["otlp"], exporters: ["debug"] } },
    },
  };
  const path = join(folder, "collector.json");
  writeFileSync(path, JSON.stringify(config));
  const child = spawn(binary, ["--config", path], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece: Buffer) => (said += piece.toString()));
  const ended = once(child, "exit").then(() => {
    throw new Error(`the collector ended:\n${said}`);
  });
  ended.catch(() => undefined);
  await Promise.race([
    until(
      () => said.includes("Everything is ready"),
      () => said,
    ),
    ended,
  ]);
  return { url: `http://${endpoint}/v1/traces`, said: () => said, stop: () => void child.kill() };
}

async function until(isSo: () => boolean, seen: () => unknown): Promise<void> {
  const giveUpAtMs = Date.now() + START_MS_MAX;
  while (!isSo()) {
    if (Date.now() > giveUpAtMs) throw new Error(`still not so: ${JSON.stringify(seen())}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Between the router and the collector: keeps what comes, and gives the collector's own answer. */
async function startReceiver(collector: Collector | null) {
  const server = createServer((request, response) => {
    void text(request).then(async (body) => {
      exports.push(body);
      if (collector === null) return response.writeHead(200, { "content-type": "application/json" }).end("{}");
      const headers = { "content-type": request.headers["content-type"] ?? "" };
      const answer = await fetch(collector.url, { method: "POST", headers, body });
      collected.push(answer.status);
      return response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces` };
}

/** One request of each kind whose spans are of another shape. Gives how many spans they must have. */
async function ask(fleet: Fleet): Promise<number> {
  const call = async (path: string, wish: object, headers: Record<string, string> = {}) => {
    const messages = [{ role: "user", content: "x" }];
    const body = JSON.stringify({ model: fleet.model, max_tokens: 3, messages, ...wish });
    const sent = { "content-type": "application/json", ...headers };
    await (await fleet.call(path, { method: "POST", place: "us-east", headers: sent, body })).text();
  };
  await call("/v1/chat/completions", {}, { traceparent: `00-${TRACE}-${CALLER}-01` });
  await call("/v1/chat/completions", { stream: true });
  await call("/p/main/echo", {});
  fleet.simulator("us-a").setFault({ kind: "status", status: 500, times: 1 });
  await call("/v1/chat/completions", {});
  return 2 + 2 + 2 + 3;
}

const spansIn = (): number => exports.reduce((sum, body) => sum + (body.match(/"spanId"/g)?.length ?? 0), 0);

function readByProto(python: string): readonly Read[] {
  const read = spawnSync(python, [join(import.meta.dirname, "otlp.py")], {
    input: exports.join("\n"),
    encoding: "utf8",
    timeout: START_MS_MAX,
  });
  strictEqual(read.status, 0, read.stderr);
  return read.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Read);
}

function checkRead(spans: readonly Read[], count: number): void {
  strictEqual(spans.length, count);
  strictEqual(new Set(spans.map(({ spanId }) => spanId)).size, count);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  for (const { service, isInOrder, hasDoubles, kind, traceId, parentSpanId } of spans) {
    deepStrictEqual({ service, isInOrder, hasDoubles }, { service: "warmpath", isInOrder: true, hasDoubles: false });
    if (kind === "SPAN_KIND_CLIENT") strictEqual(byId.get(parentSpanId)?.traceId, traceId);
    else ok(parentSpanId === "" || parentSpanId === CALLER);
  }
  ok(spans.some(({ parentSpanId, traceId }) => parentSpanId === CALLER && traceId === TRACE));
  const errors = spans.filter(({ status }) => status === "STATUS_CODE_ERROR");
  deepStrictEqual(
    errors.map(({ kind, attributes }) => [kind, attributes["error.type"]?.[1]]),
    [["SPAN_KIND_CLIENT", "server_error"]],
  );
  const streamed = spans.find(({ attributes }) => "gen_ai.response.time_to_first_chunk" in attributes)?.attributes;
  deepStrictEqual(streamed?.["gen_ai.operation.name"], ["string_value", "chat"]);
  strictEqual(streamed["gen_ai.response.time_to_first_chunk"]?.[0], "double_value");
  strictEqual(streamed["gen_ai.request.stream"]?.[0], "bool_value");
  strictEqual(streamed["gen_ai.usage.output_tokens"]?.[0], "int_value");
}

async function checkCollected({ said }: Collector, count: number): Promise<void> {
  const spans = () => said().match(/^Span #\d+$/gm)?.length ?? 0;
  await until(() => spans() >= count, spans);
  strictEqual(spans(), count);
  deepStrictEqual([...new Set(collected)], [200]);
  ok(said().includes(`Trace ID       : ${TRACE}`));
  ok(said().includes("-> gen_ai.operation.name: Str(chat)"));
  ok(said().includes("-> http.response.status_code: Int(200)"));
}

const folder = mkdtempSync(join(tmpdir(), "warmpath-otlp-"));
const python = pythonWith(folder, {
  modules: "opentelemetry.proto.trace.v1.trace_pb2",
  packages: ["opentelemetry-proto"],
});
const collector = await startCollector(folder);
const { server, url } = await startReceiver(collector);
const fleet = await startFleet({
  endpoints: [
    { id: "us-a", region: "us-east" },
    { id: "eu-a", region: "eu-west" },
  ],
  pool: { patienceMs: 5_000, streamUsage: true },
  config: { sight: { otlp: { url } } },
});
try {
  const count = await ask(fleet);
  await until(() => spansIn() >= count, spansIn);
  if (python === null) console.log("skipped: no Python with the package opentelemetry-proto can be had here");
  else {
    checkRead(readByProto(python), count);
    console.log(`${count} spans in ${exports.length} exports, read strictly by opentelemetry-proto's classes`);
  }
  if (collector === null) console.log("skipped: WARMPATH_OTELCOL names no OpenTelemetry collector");
  else {
    await checkCollected(collector, count);
    console.log(`${count} spans taken by the OpenTelemetry collector`);
  }
} finally {
  await fleet.close();
  server.closeAllConnections();
  server.close();
  collector?.stop();
  rmSync(folder, { recursive: true, force: true });
}
