/** One chat request of an experiment, and what its client saw: nothing is retried, decoded or hidden. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet } from "../support/fleet.ts";
import { rawCall } from "../support/raw-client.ts";
import type { RawExchange } from "../support/raw-client.ts";
import { classify } from "./classify.ts";
import type { Outcome } from "./classify.ts";
import { quantile } from "./experiment.ts";

export type Ask = {
  readonly stream?: boolean;
  readonly maxTokens?: number;
  readonly place?: string;
  readonly content?: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called with the length of the body so far. */
  readonly onProgress?: (bytes: number, exchange: RawExchange) => void;
};

export type Answered = {
  readonly outcome: Outcome;
  /** Its kind, with the code of an error. */
  readonly name: string;
  readonly status: number;
  readonly requestId: string | null;
  readonly endpoint: string | null;
  readonly attempts: number;
  readonly retryAfter: string | null;
  readonly body: string;
  /** To the first byte of the body, ms; of an answer without one, to its end. */
  readonly firstMs: number;
  readonly tookMs: number;
};

export async function ask(fleet: Fleet, request: Ask = {}): Promise<Answered> {
  const { stream = true, maxTokens = 4, place = "us-east", content = "x", key = fleet.key, headers = {} } = request;
  const startedAt = performance.now();
  let firstAt: number | null = null;
  let hasLeft = false;
  const exchange = rawCall(`${fleet.router.url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
      "x-warmpath-place": place,
      ...headers,
    },
    body: JSON.stringify({ model: fleet.model, stream, max_tokens: maxTokens, messages: [{ role: "user", content }] }),
    onProgress(bytes) {
      firstAt ??= performance.now();
      request.onProgress?.(bytes, {
        ...exchange,
        leave(how) {
          hasLeft = true;
          exchange.leave(how);
        },
      });
    },
  });
  const answer = await exchange.answer.catch(() => null);
  const endedAt = performance.now();
  const header = (name: string): string | null => answer?.headers[name]?.toString() ?? null;
  const seen = {
    stream,
    maxTokens,
    status: answer?.status ?? 0,
    requestId: header("x-request-id"),
    body: answer?.body.toString() ?? "",
    whole: answer?.whole ?? false,
    hasLeft,
    hasCrashed: false,
  };
  const outcome = classify(seen);
  return {
    outcome,
    name: "code" in outcome ? `${outcome.kind} ${outcome.code}` : outcome.kind,
    status: seen.status,
    requestId: seen.requestId,
    endpoint: header("x-warmpath-endpoint"),
    attempts: Number(header("x-warmpath-attempts") ?? 0),
    retryAfter: header("retry-after"),
    body: seen.body,
    firstMs: (firstAt ?? endedAt) - startedAt,
    tookMs: endedAt - startedAt,
  };
}

/**
 * What the machine takes for the least that the router can answer, while something else goes on: a time beyond it is the
 * router's own.
 */
export function watchFloor(fleet: Fleet): {
  /** The time below which this share of them lies, ms. Default 0.99. */
  ends(share?: number): Promise<number>;
} {
  const tookMs: number[] = [];
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      const startedAt = performance.now();
      const { request, answer } = rawCall(`${fleet.router.url}/livez`);
      request.end();
      await answer;
      tookMs.push(performance.now() - startedAt);
      await sleep(20);
    }
  })();
  return {
    async ends(share = 0.99) {
      over.abort();
      await watching;
      return quantile(tookMs, share);
    },
  };
}

/** What no outcome allows, as texts. */
export const violationsOf = (answers: readonly Answered[]): string[] =>
  answers.flatMap(({ outcome, requestId }) =>
    outcome.kind === "violation" ? [`${requestId ?? "no request id"}: ${outcome.what}`] : [],
  );

/** Requests for work that reached the simulated GPUs. */
export const reached = (fleet: Fleet): number =>
  [...fleet.simulators.values()].reduce((sum, { stats }) => sum + stats.requests, 0);

/** How long until no shard holds a lease, ms. */
export async function leasesGone(fleet: Fleet, limitMs = 30_000): Promise<number> {
  const startedAt = performance.now();
  await fleet.until(fleet.liveLeases, (leases) => leases === 0, limitMs);
  return performance.now() - startedAt;
}

/** Request ids that were dispatched more often than their answers say. */
export function dispatchedTwice(fleet: Fleet, answers: readonly Answered[]): string[] {
  const told = new Map(answers.map(({ requestId, attempts }) => [requestId, attempts]));
  const times = new Map<string, number>();
  for (const { stats } of fleet.simulators.values())
    for (const id of stats.dispatchedIds) times.set(id, (times.get(id) ?? 0) + 1);
  return [...times].filter(([id, count]) => count > (told.get(id) ?? Infinity)).map(([id]) => id);
}
