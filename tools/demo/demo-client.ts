/**
 * A client of the router: sends a request as if from some place, and reads from the answer alone where it went and why.
 *
 * What the demo prints and checks is what any client could see; the router's inside is not asked.
 */
import type { Explanation } from "../../src/routing/core/cost/explain.ts";
import type { Place } from "../../src/routing/core/cost/geography.ts";
import { createSseDecoder, push } from "../../src/lib/sse.ts";
import { firstNonEmptyToken } from "../../src/dispatch/core/token-timing.ts";
import { ATTEMPTS, ENDPOINT, OVERHEAD_MS, PLACE, REASON } from "../../src/wire/headers.ts";

/** Longer than any request of the demo may take, ms: beyond it the client gives up, which counts as an error. */
export const REQUEST_MS_MAX = 20_000;

export type Client = { readonly url: string; readonly key: string; readonly model: string };

export type Wish = {
  readonly place: Place;
  readonly maxTokens: number;
  readonly content?: string;
  readonly stream?: boolean;
};

/** What the client saw. */
export type Answer = {
  /** 0: no answer at all, or one that broke off. */
  readonly status: number;
  /** From the headers; null where the answer has none. */
  readonly endpointId: string | null;
  readonly reason: string | null;
  readonly attempts: number | null;
  readonly overheadMs: number | null;
  readonly totalMs: number;
  /** Of a stream: send to first non-empty token. */
  readonly ttftMs: number | null;
  /** Tokens of the answer; 0 for an error. */
  readonly tokens: number;
  /** The router's code for a refusal. */
  readonly errorCode: string | null;
};

type Body = Pick<Answer, "ttftMs" | "tokens" | "errorCode"> & { readonly complete: boolean };

/** Never rejects: a connection that fails is an answer with status 0. */
export async function chat(client: Client, wish: Wish): Promise<Answer> {
  const { place, maxTokens, content = "Tell me about warm paths.", stream = false } = wish;
  const body = { model: client.model, stream, max_tokens: maxTokens, messages: [{ role: "user", content }] };
  const startedAtMs = performance.now();
  try {
    const response = await post(client, "/v1/chat/completions", place, body);
    const read = stream && response.ok ? await readStream(response, startedAtMs) : await readWhole(response);
    const number = (name: string): number | null => {
      const value = response.headers.get(name);
      return value === null ? null : Number(value);
    };
    const { complete, ...rest } = read;
    return {
      status: complete ? response.status : 0,
      endpointId: response.headers.get(ENDPOINT),
      reason: response.headers.get(REASON),
      attempts: number(ATTEMPTS),
      overheadMs: number(OVERHEAD_MS),
      totalMs: performance.now() - startedAtMs,
      ...rest,
    };
  } catch {
    const totalMs = performance.now() - startedAtMs;
    const nothing = { endpointId: null, reason: null, attempts: null, overheadMs: null, ttftMs: null, errorCode: null };
    return { ...nothing, status: 0, totalMs, tokens: 0 };
  }
}

/** The message as an endpoint of the pool received it, by the simulator's echo; null when nothing was echoed. */
export async function echo(client: Client, pool: string, place: Place, content: string): Promise<string | null> {
  const response = await post(client, `/p/${pool}/echo`, place, { messages: [{ role: "user", content }] });
  if (!response.ok) return null;
  const { bodyBase64 } = (await response.json()) as { bodyBase64: string };
  const received = JSON.parse(Buffer.from(bodyBase64, "base64").toString("utf8")) as {
    messages: { content: string }[];
  };
  return received.messages[0]?.content ?? null;
}

/** A chat at a pool of one's choice, as the router answers it. */
export function openChat({ url, key }: Client, pool: string, place: Place, body: unknown): Promise<Response> {
  return post({ url, key }, `/p/${pool}/v1/chat/completions`, place, body);
}

/** Where a request would go now, and why; nothing is sent to an endpoint. Rejects when the router does not tell. */
export async function explain(
  client: Client,
  question: { readonly model: string; readonly place: string; readonly inputTokens: number },
): Promise<Explanation> {
  const response = await post(client, "/admin/explain", null, question);
  if (!response.ok) throw new Error(`the router explained nothing: status ${response.status}`);
  return (await response.json()) as Explanation;
}

export type Access = Pick<Client, "url" | "key">;

/** Rejects when no answer has come within REQUEST_MS_MAX, or what has come breaks off. */
export function post({ url, key }: Access, path: string, place: Place | null, body: unknown): Promise<Response> {
  return fetch(url + path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
      ...(place === null ? {} : { [PLACE]: `${place.lat},${place.lon}` }),
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_MS_MAX),
  });
}

async function readWhole(response: Response): Promise<Body> {
  const json = (await response.json()) as { usage?: { completion_tokens?: number }; error?: { code?: string } };
  return {
    complete: true,
    ttftMs: null,
    tokens: json.usage?.completion_tokens ?? 0,
    errorCode: json.error?.code ?? null,
  };
}

/** Complete only with `[DONE]` and without an error event: a stream that just ends has broken off. */
async function readStream(response: Response, startedAtMs: number): Promise<Body> {
  const decoder = createSseDecoder();
  const text = new TextDecoder();
  let ttftMs: number | null = null;
  let tokens = 0;
  let isDone = false;
  let hasError = false;
  for await (const chunk of response.body ?? []) {
    const events = push(decoder, text.decode(chunk, { stream: true }));
    if (!events.ok) break;
    for (const { data } of events.value) {
      if (data === "[DONE]") isDone = true;
      else if (data.startsWith('{"error"')) hasError = true;
      else if (firstNonEmptyToken(data)) {
        ttftMs ??= performance.now() - startedAtMs;
        tokens += 1;
      }
    }
  }
  return { complete: isDone && !hasError, ttftMs, tokens, errorCode: null };
}
