/** Spans of requests, as a receiver of OTLP/HTTP gets them: the trace of the client goes on to the endpoint, through the attempt. */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { freshPlace } from "../support/openai.ts";

type Span = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly code?: number };
};
type Export = {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
};

const AUTH = "Basic b3BlcmF0b3I6aHVudGVyMg==";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";

let fleet: Fleet;
let receiver: Server;
let answers = 200;
const calls: { readonly headers: Readonly<Record<string, unknown>>; readonly body: Export }[] = [];
beforeAll(async () => {
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const status = answers;
      if (status === 200)
        calls.push({ headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) as Export });
      response.writeHead(status, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/v1/traces`;
  fleet = await startFleet({
    endpoints: [
      { id: "us-a", region: "us-east" },
      { id: "eu-a", region: "eu-west" },
    ],
    pool: { patienceMs: 5_000, streamUsage: true },
    bindings: { OTLP_AUTH: AUTH },
    config: { sight: { logServed: 0, otlp: { url, headers: { Authorization: { secret: "OTLP_AUTH" } } } } },
  });
});
afterAll(async () => {
  await fleet.close();
  receiver.close();
});
afterEach(() => {
  answers = 200;
  for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "none" });
});

const spans = (): readonly Span[] =>
  calls.flatMap(({ body }) =>
    body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
  );
const of = (span: Span | undefined): Readonly<Record<string, unknown>> =>
  Object.fromEntries((span?.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]]));
const call = (path: string, headers: Record<string, string> = {}, changes: Record<string, unknown> = {}) =>
  fleet.call(path, {
    method: "POST",
    place: freshPlace("us-east"),
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: fleet.model, max_tokens: 3, messages: [{ role: "user", content: "x" }], ...changes }),
  });
/** Those of one request, the router's own first. */
async function spansOf(response: Response): Promise<readonly Span[]> {
  const id = response.headers.get("x-request-id");
  const own = () => spans().find((span) => of(span)["warmpath.request.id"] === id);
  await fleet.until(async () => own() !== undefined, Boolean);
  const root = own();
  return [
    ...(root === undefined ? [] : [root]),
    ...spans().filter(({ parentSpanId }) => parentSpanId === root?.spanId),
  ];
}

describe("a request's spans", () => {
  test("hang in the caller's trace, and the endpoint's under the attempt", async () => {
    const response = await call("/p/main/echo", { traceparent: `00-${TRACE}-${CALLER}-01` });
    const { headers } = (await response.json()) as { headers: Record<string, string> };
    const [own, attempt, ...more] = await spansOf(response);
    expect(more).toEqual([]);
    expect(own).toMatchObject({ traceId: TRACE, parentSpanId: CALLER, kind: 2, name: "POST /p/{pool}", status: {} });
    expect(attempt).toMatchObject({ traceId: TRACE, parentSpanId: own?.spanId, kind: 3, status: {} });
    expect(headers["traceparent"]).toBe(`00-${TRACE}-${attempt?.spanId}-01`);
    expect(calls[0]?.headers).toMatchObject({ authorization: AUTH, "content-type": "application/json" });
  });

  test("begin a trace where none came, with what it cost", async () => {
    const response = await call("/v1/chat/completions", {}, { stream: true });
    await response.text();
    const [own, attempt] = await spansOf(response);
    expect(own?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(own).not.toHaveProperty("parentSpanId");
    expect(of(own)).toMatchObject({
      "http.route": "/v1/chat/completions",
      "http.response.status_code": "200",
      "warmpath.outcome": "served",
      "warmpath.tenant": "tests",
    });
    expect(attempt?.name).toBe("chat test-model");
    expect(of(attempt)).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "test-model",
      "gen_ai.usage.output_tokens": "3",
      "warmpath.endpoint": "us-a",
    });
    expect(BigInt(attempt?.startTimeUnixNano ?? 0)).toBeGreaterThanOrEqual(BigInt(own?.startTimeUnixNano ?? 1));
    expect(BigInt(attempt?.endTimeUnixNano ?? 1)).toBeLessThanOrEqual(BigInt(own?.endTimeUnixNano ?? 0));
  });

  test("show each attempt, the lost one as an error", async () => {
    fleet.simulator("us-a").setFault({ kind: "status", status: 500, times: 1 });
    const response = await call("/v1/chat/completions");
    await response.text();
    const [own, first, second] = await spansOf(response);
    expect(own?.status).toEqual({});
    expect([first?.status, of(first)["error.type"]]).toEqual([{ code: 2 }, "server_error"]);
    expect([second?.status, of(second)["warmpath.reason"]]).toEqual([{}, "failover"]);
    expect(new Set([own, first, second].map((span) => span?.spanId)).size).toBe(3);
  });

  test("are not sent where the caller does not sample, but its trace goes on", async () => {
    const response = await call("/p/main/echo", { traceparent: `00-${TRACE}-${CALLER}-00` });
    const { headers } = (await response.json()) as { headers: Record<string, string> };
    expect(headers["traceparent"]).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
    const next = await call("/p/main/echo");
    await spansOf(next);
    const id = response.headers.get("x-request-id");
    expect(spans().filter((span) => of(span)["warmpath.request.id"] === id)).toEqual([]);
  });

  test("wait for a receiver that is away, and come once", async () => {
    answers = 503;
    const response = await call("/v1/chat/completions");
    await response.text();
    await fleet.until(
      async () => fleet.router.output(),
      (log) => log.includes('"event":"spans_not_exported","status":503'),
    );
    answers = 200;
    // The next request's export brings it along.
    await spansOf(await call("/v1/chat/completions"));
    expect(await spansOf(response)).toHaveLength(2);
    const id = response.headers.get("x-request-id");
    expect(spans().filter((span) => of(span)["warmpath.request.id"] === id)).toHaveLength(1);
  });
});
