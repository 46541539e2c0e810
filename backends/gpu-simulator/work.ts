/**
 * A request for work, from its fault to its answer.
 *
 * Order, as behind Runpod's load balancer: the body (30 MB), a warm GPU worker or Runpod's 400 after its time-out, a
 * random failure, the engine. `/echo` and `/raw` give bytes back, so that a proxy's pass-through can be compared.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { assertNever } from "../../src/lib/invariant.ts";
import { readBody } from "./exchange.ts";
import type { Exchange } from "./exchange.ts";
import { FAILURES } from "./faults.ts";
import type { FailureType, RequestFault } from "./faults.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { errorBody } from "./openai-bodies.ts";
import { openAiRoute, serveOpenAi } from "./openai-api.ts";
import type { OpenAiContext } from "./openai-api.ts";

export type WorkContext = OpenAiContext & {
  readonly lifecycle: Lifecycle;
  readonly failureDraw: () => FailureType | null;
};

/** Runpod's words, by which an adapter must know them (docs/reference/sources.md, Runpod load balancing). */
const TIMED_OUT_BODY = "timed out waiting for worker";
const NO_WORKERS_BODY = { error: "no workers available" };

const sendTimedOut = ({ reply }: Exchange): void => reply.send(400, { "content-type": "text/plain" }, TIMED_OUT_BODY);

/** `ended`: the fault is the answer. `goes_on`: the request is served, perhaps not to its end. */
export async function meetFault(exchange: Exchange, fault: RequestFault): Promise<"ended" | "goes_on"> {
  const { reply, gone } = exchange;
  switch (fault.kind) {
    case "reset":
      reply.kill("reset");
      return "ended";
    case "hang":
      return "ended";
    case "die_after_bytes":
      reply.dieAfter(fault.bytes);
      return "goes_on";
    case "status": {
      if (!(await waited(fault.latencyMs, gone))) return "ended";
      const headers = fault.retryAfter === null ? {} : { "retry-after": `${fault.retryAfter}` };
      reply.json(fault.status, errorBody(fault.status, "InjectedFault", "fault set on the simulator"), headers);
      return "ended";
    }
    case "capacity":
      if (!(await waited(fault.latencyMs, gone))) return "ended";
      if (fault.answer === "timed_out") sendTimedOut(exchange);
      else reply.json(400, NO_WORKERS_BODY);
      return "ended";
    default:
      return assertNever(fault);
  }
}

async function waited(ms: number, gone: AbortSignal): Promise<boolean> {
  if (ms === 0) return true;
  try {
    await sleep(ms, undefined, { signal: gone });
    return true;
  } catch {
    // The only reason is that the client left.
    return false;
  }
}

export async function doWork(exchange: Exchange, context: WorkContext): Promise<void> {
  const { req, reply, path, gone } = exchange;
  const { options, lifecycle } = context;
  const body = await readBody(req, options.maxRequestBodyBytes);
  if (body === "gone") return;
  if (body === "too_large") {
    reply.json(413, errorBody(413, "BadRequestError", "The body is too large."), { connection: "close" });
    return;
  }
  const outcome = await lifecycle.whenWarm({ timeoutMs: options.noWorkerTimeoutMs, gone });
  // Asked again: the client may have left in the same turn in which the endpoint became warm.
  if (outcome === "gone" || gone.aborted) return;
  if (outcome === "timed_out") {
    sendTimedOut(exchange);
    return;
  }
  if (outcome === "draining") {
    reply.json(503, errorBody(503, "ServiceUnavailable", "The server is draining."), { "retry-after": "1" });
    return;
  }
  const route = openAiRoute(path);
  if (route === null) {
    giveBack(exchange, body);
    return;
  }
  if (req.method !== "POST") {
    reply.json(405, { detail: "Method Not Allowed" }, { allow: "POST" });
    return;
  }
  const failure = context.failureDraw();
  if (failure !== null) {
    const { status, type, message } = FAILURES[failure];
    reply.json(status, errorBody(status, type, message), status === 429 ? { "retry-after": "1" } : {});
    return;
  }
  await serveOpenAi(exchange, route, body, context);
}

function giveBack({ req, reply, path, query }: Exchange, body: Buffer): void {
  if (path.startsWith("/raw")) {
    reply.send(200, { "content-type": req.headers["content-type"] ?? "application/octet-stream" }, body);
    return;
  }
  reply.json(200, {
    method: req.method,
    path,
    query: Object.fromEntries(query),
    /** As sent, before any decoding. */
    url: req.url,
    headers: req.headers,
    bodyBytes: body.length,
    bodyBase64: body.toString("base64"),
  });
}
