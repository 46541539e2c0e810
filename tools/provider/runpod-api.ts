/**
 * Runpod's REST API v2, as far as `warmpath plan` and `apply` need it. A call that was refused for its rate is made again
 * when the answer says; every other failure is the caller's to tell.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isObject } from "../../src/lib/json-object.ts";
import type { Actual } from "./plan.ts";

export const RUNPOD_API = "https://api.runpod.io/v2";

const ANSWER_MS_MAX = 30_000;
const TRIES_MAX = 3;
/** A minute's window, and a little. */
const WAIT_MS_MAX = 65_000;

export class ProviderError extends Error {
  /** null: there was no answer, and what was asked may have been done. */
  readonly status: number | null;

  constructor(status: number | null, message: string) {
    super(message);
    this.name = "ProviderError";
    this.status = status;
  }
}

export type RunpodApi = {
  list(): Promise<readonly Actual[]>;
  create(body: object): Promise<Actual>;
  update(id: string, body: object): Promise<Actual>;
};

export function runpodApi(base: string, key: string): RunpodApi {
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    for (let tries = 1; ; tries += 1) {
      const response = await send(`${base.replace(/\/+$/, "")}${path}`, key, method, body);
      const text = await response.text();
      if (response.ok) return jsonOf(text);
      if (response.status !== 429 || tries === TRIES_MAX)
        throw new ProviderError(response.status, problemIn(text, response.status));
      await sleep(waitMs(response.headers));
    }
  };
  return {
    async list() {
      const { endpoints } = (await call("GET", "/serverless")) as { readonly endpoints: readonly Actual[] };
      return endpoints;
    },
    create: async (body) => (await call("POST", "/serverless", body)) as Actual,
    update: async (id, body) => (await call("PATCH", `/serverless/${encodeURIComponent(id)}`, body)) as Actual,
  };
}

async function send(url: string, key: string, method: string, body: object | undefined): Promise<Response> {
  try {
    return await fetch(url, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
      redirect: "manual",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new ProviderError(null, `no answer: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ProviderError(null, "the answer is not JSON: is this the address of Runpod's API?");
  }
}

/** RFC 9457's members, with each single fault. */
function problemIn(text: string, status: number): string {
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Said below.
  }
  if (!isObject(json)) return `HTTP ${status}`;
  const faults = Array.isArray(json["errors"]) ? json["errors"].map(String) : [];
  return [`HTTP ${status}`, String(json["detail"] ?? json["title"] ?? ""), ...faults]
    .filter((part) => part !== "")
    .join(": ");
}

/** `Retry-After`, else the seconds of the first window of `RateLimit` that is used up: `"minute";r=0;t=12`. */
export function waitMs(headers: Headers): number {
  const after = Number(headers.get("retry-after") ?? Number.NaN);
  const [, window] = /;r=0;t=(\d+)/.exec(headers.get("ratelimit") ?? "") ?? [];
  const seconds = Number.isFinite(after) ? after : window === undefined ? 1 : Number(window);
  return Math.min(Math.max(seconds, 0) * 1_000, WAIT_MS_MAX);
}
