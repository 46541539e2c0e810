/**
 * Two endpoints on loopback: the first misbehaves as the request's model says, the second answers, 60 ms farther.
 *
 * Both keep one book of the attempts that reached them. Their health path is always well: what a scenario breaks is the
 * work, as on an overloaded server. The faults are those of Failover Bench, see `failover-scenarios.ts`.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import {
  ANSWER_WORDS,
  CUT_AFTER,
  HEALTHY_MODEL,
  MALFORMED_AT,
  modelOf,
  SCENARIOS,
  STALL_AFTER,
} from "./failover-scenarios.ts";
import type { Fault, Scenario, Timings } from "./failover-scenarios.ts";

/** How much farther the second endpoint is, ms: as from one coast of America to the other. */
const FARTHER_MS = 60;
/** More than any request of the benchmark has. */
const BODY_BYTES_MAX = 1_048_576;

export type Attempt = {
  readonly endpoint: "first" | "second";
  readonly model: string;
  /** Since the scenario began, s. */
  readonly atS: number;
  /** What was done with it. */
  did: string;
};

export type Wall = {
  readonly firstUrl: string;
  readonly secondUrl: string;
  /** Begins a scenario: the book is empty, and the minute of S15 begins. */
  begin(): void;
  attempts(): readonly Attempt[];
  close(): Promise<void>;
};

type Call = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: { readonly model?: string; readonly stream?: boolean; readonly messages?: readonly Message[] };
  readonly attempt: Attempt;
  /** Of this model at this endpoint since the scenario began, from 1. */
  readonly nth: number;
  readonly timings: Timings;
};
type Message = { readonly role?: string; readonly content?: unknown };

export async function startWall(timings: Timings): Promise<Wall> {
  const scenarios = new Map(SCENARIOS.map((scenario) => [modelOf(scenario), scenario]));
  let book: Attempt[] = [];
  let beganAtMs = performance.now();
  const sinceS = () => (performance.now() - beganAtMs) / 1_000;

  const listen = async (endpoint: Attempt["endpoint"]) => {
    const serve = async (request: IncomingMessage, response: ServerResponse) => {
      response.on("error", () => {});
      if (endpoint === "second") await sleep(FARTHER_MS);
      if (request.method === "GET") return sendJson(response, 200, modelList(request));
      const body = await readJson(request);
      const model = String(body.model ?? "");
      const attempt: Attempt = { endpoint, model, atS: sinceS(), did: "" };
      book.push(attempt);
      const nth = book.filter((other) => other.endpoint === endpoint && other.model === model).length;
      const call: Call = { request, response, body, attempt, nth, timings };
      const scenario = scenarios.get(model);
      if (endpoint === "second") return answerAsSecond(call, scenario);
      return scenario === undefined ? answer(call) : misbehave(scenario.fault, call, sinceS());
    };
    const server = createServer((request, response) => {
      serve(request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  };

  const first = await listen("first");
  const second = await listen("second");
  return {
    firstUrl: first.url,
    secondUrl: second.url,
    begin() {
      book = [];
      beganAtMs = performance.now();
    },
    attempts: () => book,
    async close() {
      for (const { server } of [first, second]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

function modelList(request: IncomingMessage): unknown {
  if (request.url?.endsWith("/models") !== true) return { status: "ok" };
  const names = [HEALTHY_MODEL, ...SCENARIOS.map(modelOf)];
  return { object: "list", data: names.map((id) => ({ id, object: "model", created: 1, owned_by: "wall" })) };
}

async function readJson(request: IncomingMessage): Promise<Call["body"]> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    total += chunk.length;
    if (total > BODY_BYTES_MAX) throw new Error("the body is longer than any of the benchmark's");
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8")) as Call["body"];
}

function sendJson(response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}) {
  const text = JSON.stringify(value);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(text)),
    ...headers,
  });
  response.end(text);
}

type Refusal = {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly code: string | null;
};

function refuse(
  { response, attempt }: Call,
  { status, ...error }: Refusal,
  headers: Record<string, string> = {},
): void {
  attempt.did = String(status);
  sendJson(response, status, { error: { ...error, param: null } }, headers);
}

const RATE_LIMITED: Refusal = {
  status: 429,
  message: "Rate limit reached for this model.",
  type: "rate_limit_error",
  code: "rate_limit_exceeded",
};
const BROKEN: Refusal = {
  status: 500,
  message: "The server had an error while processing your request.",
  type: "server_error",
  code: null,
};
const OVERLOADED: Refusal = {
  status: 503,
  message: "The engine is currently overloaded. Please try again later.",
  type: "server_error",
  code: "overloaded",
};
const TOO_LONG: Refusal = {
  status: 400,
  message: "This model's maximum context length is 8192 tokens; your messages have 9631. Shorten them.",
  type: "invalid_request_error",
  code: "context_length_exceeded",
};
const FILTERED: Refusal = {
  status: 400,
  message: "Your request was rejected as a result of our safety system.",
  type: "invalid_request_error",
  code: "content_policy_violation",
};
const NO_PREFILL: Refusal = {
  status: 400,
  message: "This model does not support assistant message prefill. The conversation must end with a user message.",
  type: "invalid_request_error",
  code: "invalid_prefill",
};

async function misbehave(fault: Fault, call: Call, sinceS: number): Promise<void> {
  const { nth, timings, request, response, attempt } = call;
  switch (fault) {
    case "429-once":
      return nth === 1 ? refuse(call, RATE_LIMITED, { "retry-after": String(timings.retryAfterS) }) : answer(call);
    case "429-always":
      return refuse(call, RATE_LIMITED);
    case "500-once":
      return nth === 1 ? refuse(call, BROKEN) : answer(call);
    case "503-always":
      return refuse(call, OVERLOADED);
    case "reset-once":
      if (nth > 1) return answer(call);
      attempt.did = "reset";
      request.socket.resetAndDestroy();
      return undefined;
    case "silence":
      attempt.did = "silence";
      await pause(response, timings.silenceMs);
      request.socket.destroy();
      return undefined;
    case "context-length":
      return refuse(call, TOO_LONG);
    case "content-filter":
      return refuse(call, FILTERED);
    case "flap":
      return sinceS * 1_000 < timings.downMs ? refuse(call, OVERLOADED) : answer(call);
    case "slow-first-token":
    case "cut":
    case "stall":
    case "malformed-event":
    case "no-done":
      return answer(call, fault);
    default:
      return fault satisfies never;
  }
}

function answerAsSecond(call: Call, scenario: Scenario | undefined): Promise<void> | void {
  const last = call.body.messages?.at(-1);
  if (last?.role === "assistant" && scenario?.secondRefusesPrefill) return refuse(call, NO_PREFILL);
  return answer(call);
}

type StreamFault = "slow-first-token" | "cut" | "stall" | "malformed-event" | "no-done";

/** The words that are asked for: all, or the rest where the prompt ends with their beginning. */
function wordsFor(body: Call["body"]): { readonly words: readonly string[]; readonly begun: boolean } {
  const last = body.messages?.at(-1);
  const text = ANSWER_WORDS.join(" ");
  if (last?.role !== "assistant" || typeof last.content !== "string") return { words: ANSWER_WORDS, begun: false };
  const begun = last.content.trim();
  if (begun === "" || !text.startsWith(begun)) return { words: ANSWER_WORDS, begun: false };
  return { words: text.slice(begun.length).trim().split(" "), begun: true };
}

async function answer(call: Call, fault?: StreamFault): Promise<void> {
  const { response, attempt, body } = call;
  const model = attempt.endpoint === "second" ? HEALTHY_MODEL : attempt.model;
  const { words, begun } = wordsFor(body);
  const usage = { prompt_tokens: 21, completion_tokens: words.length, total_tokens: 21 + words.length };
  attempt.did = fault ?? "200";
  if (body.stream !== true) {
    const message = { role: "assistant", content: words.join(" ") };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    return sendJson(response, 200, { id: "wall", object: "chat.completion", created: 1, model, choices, usage });
  }
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.flushHeaders();
  await stream(call, { model, words, begun, usage, fault });
}

type Answer = {
  readonly model: string;
  readonly words: readonly string[];
  readonly begun: boolean;
  readonly usage: unknown;
  readonly fault: StreamFault | undefined;
};

async function stream({ response, timings }: Call, { model, words, begun, usage, fault }: Answer): Promise<void> {
  const send = (members: object) => {
    const event = { id: "wall", object: "chat.completion.chunk", created: 1, model, ...members };
    response.write(`data: ${JSON.stringify(event)}\n\n`);
  };
  const delta = (text: object, finish: string | null = null) =>
    send({ choices: [{ index: 0, delta: text, finish_reason: finish }] });
  /** FIN without the last chunk: what a process that ends leaves behind. */
  const breakOff = () => response.socket?.end();

  if (fault === "slow-first-token") await pause(response, timings.firstTokenMs);
  delta({ role: "assistant", content: "" });
  for (const [at, word] of words.entries()) {
    if (response.destroyed) return;
    if (fault === "cut" && at === CUT_AFTER) return void breakOff();
    if (fault === "stall" && at === STALL_AFTER) {
      await pause(response, timings.stallMs);
      return void breakOff();
    }
    if (fault === "malformed-event" && at === MALFORMED_AT) response.write('data: {"choices": [{"delta": {"con\n\n');
    delta({ content: at > 0 || begun ? ` ${word}` : word });
    await sleep(timings.tokenMs);
  }
  delta({}, "stop");
  send({ choices: [], usage });
  if (fault !== "no-done") response.write("data: [DONE]\n\n");
  response.end();
}

/** Ends early when the other side hangs up. */
async function pause(response: ServerResponse, ms: number): Promise<void> {
  const gone = new AbortController();
  const leave = () => gone.abort();
  response.once("close", leave);
  try {
    await sleep(ms, undefined, { signal: gone.signal });
  } catch {
    // Hung up on: nothing is owed any more.
  } finally {
    response.off("close", leave);
  }
}
