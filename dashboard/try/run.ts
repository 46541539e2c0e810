/**
 * Sends the request of "Try it" and tells what came, piece by piece: the answer's text, and the route that the router's own
 * headers tell. The session's cookie stands for the key.
 *
 * Model. What has come so far is one value, `TryState`, and each change is a new one: the panel draws it and knows no more.
 * Of an answer only text is taken, never markup, and never more than `ANSWER_CHARS_MAX` of it.
 */
import { createSseDecoder, push } from "../../src/lib/sse.ts";
import { bodyOf, type TryRequest } from "./code.ts";

/** More than anybody reads here; the rest is counted and not kept. */
export const ANSWER_CHARS_MAX = 100_000;

type TryCandidate = {
  readonly endpoint: string;
  readonly region: string;
  readonly ms: number;
  readonly why: string;
};

export type TryRoute = {
  readonly requestId: string | null;
  readonly endpoint: string | null;
  readonly region: string | null;
  readonly reason: string | null;
  readonly attempts: string | null;
  readonly overheadMs: string | null;
  readonly rails: readonly { readonly rail: string; readonly said: string; readonly ms: string }[];
  readonly candidates: readonly TryCandidate[];
};

export type TryState = {
  readonly phase: "idle" | "waiting" | "answering" | "done" | "stopped" | "failed";
  readonly status: number | null;
  readonly text: string;
  /** Characters that came and are not shown. */
  readonly leftOut: number;
  /** Why it ended without an answer, or in the middle of one. */
  readonly problem: string | null;
  /** Send to the first text, and to the end, ms. */
  readonly firstTextMs: number | null;
  readonly totalMs: number | null;
  readonly tokensOut: number | null;
  readonly route: TryRoute | null;
};

export const IDLE_TRY: TryState = {
  phase: "idle",
  status: null,
  text: "",
  leftOut: 0,
  problem: null,
  firstTextMs: null,
  totalMs: null,
  tokensOut: null,
  route: null,
};

export type TryPorts = {
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  readonly headers: () => Readonly<Record<string, string>>;
  readonly now: () => number;
};

/** Tells every state until the last one. Never rejects. */
export async function runTry(
  request: TryRequest,
  signal: AbortSignal,
  ports: TryPorts,
  tell: (state: TryState) => void,
): Promise<void> {
  const startedAtMs = ports.now();
  const sinceMs = (): number => Math.round(ports.now() - startedAtMs);
  let state: TryState = { ...IDLE_TRY, phase: "waiting" };
  const change = (next: Partial<TryState>): void => {
    state = { ...state, ...next };
    tell(state);
  };
  const say = (text: string): void => {
    if (text === "") return;
    const room = Math.max(0, ANSWER_CHARS_MAX - state.text.length);
    change({
      phase: "answering",
      firstTextMs: state.firstTextMs ?? sinceMs(),
      text: state.text + text.slice(0, room),
      leftOut: state.leftOut + Math.max(0, text.length - room),
    });
  };
  tell(state);
  try {
    const response = await ports.fetch("/dashboard/api/try?path=/v1/chat/completions", {
      method: "POST",
      headers: { ...ports.headers(), "content-type": "application/json", "x-warmpath-explain": "1" },
      body: JSON.stringify(bodyOf(request)),
      signal,
    });
    change({ status: response.status, route: routeOf(response.headers) });
    const isEvents = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (!response.ok) {
      const problem = messageIn(parsed(await response.text())) ?? `The router answered ${response.status}.`;
      return change({ phase: "failed", problem, totalMs: sinceMs() });
    }
    const ended = isEvents ? await readEvents(response, say) : readWhole(parsed(await response.text()), say);
    const isWhole = ended.problem === null;
    change({ ...ended, phase: isWhole ? "done" : "failed", totalMs: sinceMs() });
  } catch {
    if (signal.aborted) return change({ phase: "stopped", totalMs: sinceMs() });
    change({ phase: "failed", problem: "The connection to the router broke off.", totalMs: sinceMs() });
  }
}

type Ended = { readonly problem: string | null; readonly tokensOut: number | null };

async function readEvents(response: Response, say: (text: string) => void): Promise<Ended> {
  const decoder = createSseDecoder();
  const utf8 = new TextDecoder();
  let tokensOut: number | null = null;
  let isDone = false;
  const reader = response.body?.getReader();
  for (;;) {
    const piece = await reader?.read();
    if (piece === undefined || piece.done) break;
    const events = push(decoder, utf8.decode(piece.value, { stream: true }));
    if (!events.ok) return { problem: "The answer had an event that is too large to read.", tokensOut };
    for (const { data } of events.value) {
      if (data === "[DONE]") {
        isDone = true;
        continue;
      }
      const value = parsed(data);
      const problem = messageIn(value);
      if (problem !== null) return { problem, tokensOut };
      say(choiceText(value, "delta"));
      tokensOut = tokensIn(value) ?? tokensOut;
    }
  }
  return { problem: isDone ? null : "The answer ended in the middle.", tokensOut };
}

function readWhole(value: unknown, say: (text: string) => void): Ended {
  const text = choiceText(value, "message");
  say(text);
  return { problem: value === null ? "The answer is no JSON." : null, tokensOut: tokensIn(value) };
}

/** `x-warmpath-rails: size=allow;0, hook=rail_error;250;timeout`. */
export function routeOf(headers: Headers): TryRoute {
  const header = (name: string): string | null => headers.get(name);
  const rails = (header("x-warmpath-rails") ?? "").split(", ").flatMap((entry) => {
    const [, rail, said = "", ms = ""] = /^([^=]+)=([^;]*);?([^;]*)/.exec(entry) ?? [];
    return rail === undefined ? [] : [{ rail, said, ms }];
  });
  return {
    requestId: header("x-request-id"),
    endpoint: header("x-warmpath-endpoint"),
    region: header("x-warmpath-region"),
    reason: header("x-warmpath-reason"),
    attempts: header("x-warmpath-attempts"),
    overheadMs: header("x-warmpath-overhead-ms"),
    rails,
    candidates: candidatesIn(parsed(header("x-warmpath-decision") ?? "")),
  };
}

function candidatesIn(decision: unknown): readonly TryCandidate[] {
  const list = member(decision, "candidates");
  if (!Array.isArray(list)) return [];
  return list.flatMap((one: unknown) => {
    const [endpoint, region, ms, why] = ["endpoint", "region", "ms", "why"].map((name) => member(one, name));
    if (typeof endpoint !== "string" || typeof ms !== "number") return [];
    return [
      { endpoint, region: typeof region === "string" ? region : "", ms, why: typeof why === "string" ? why : "" },
    ];
  });
}

function choiceText(value: unknown, holder: "delta" | "message"): string {
  const choices = member(value, "choices");
  if (!Array.isArray(choices)) return "";
  return choices
    .map((choice: unknown) => {
      const content = member(member(choice, holder), "content");
      return typeof content === "string" ? content : "";
    })
    .join("");
}

function tokensIn(value: unknown): number | null {
  const tokens = member(member(value, "usage"), "completion_tokens");
  return typeof tokens === "number" ? tokens : null;
}

function messageIn(value: unknown): string | null {
  const message = member(member(value, "error"), "message");
  return typeof message === "string" && message !== "" ? message : null;
}

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
