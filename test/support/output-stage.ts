/** A fleet whose pools have output rails, and an endpoint that says what a test wants. */
import { expect } from "vitest";
import { startFleet } from "./fleet.ts";
import type { Fleet } from "./fleet.ts";
import { eventData, rawCall } from "./raw-client.ts";
import type { RawAnswer, RawExchange } from "./raw-client.ts";
import { LOG_ALL } from "./records.ts";
import { startSpeaker } from "./speaker.ts";
import type { Speaker, Speech } from "./speaker.ts";

/** Made up, and put together here so that no scanner takes this file for a leak. */
export const KEY = `sk-${"proj"}-${"a8Kq2LmZ9xTb4VnR7cWd"}${"Yf3Gh6Jk1Ps5Ru0EiOoA"}${"x7B"}`;
export const EMAIL = "jane.doe@example.com";
export const CARD = "4111 1111 1111 1111";
const PRIVATE = [KEY.slice(10), EMAIL, CARD];

const SCHEMA = { type: "object", required: ["city"], properties: { city: { type: "string" } } };
const POOLS: Readonly<Record<string, unknown>> = {
  redacting: { input: [], output: ["secrets", "pii"] },
  blocking: {
    input: [],
    output: [
      { use: "secrets", action: "block", onMedia: "closed" },
      { use: "topics", options: { topics: { rivals: ["acme rocket"] } } },
    ],
  },
  restoring: { input: [{ use: "pii", options: { restore: true } }], output: ["secrets", "pii"] },
  watching: {
    input: [],
    output: [
      { use: "secrets", shadow: true },
      { use: "pii", action: "flag" },
    ],
  },
  schema: { input: [], output: [{ use: "schema", options: { schema: SCHEMA } }] },
  many: {
    input: [],
    output: [
      "links",
      { use: "regex", options: { patterns: [{ name: "ticket", pattern: "TCK-[0-9]{4}" }] } },
      { use: "profanity", action: "redact" },
      "unicode",
      "canary",
    ],
  },
};

/** Paths of the router's own; all others go through the pool's name. */
const ROUTED: ReadonlySet<string> = new Set(["/v1/chat/completions", "/v1/completions"]);

type Ask = { readonly path?: string; readonly body?: Readonly<Record<string, unknown>> };

export type OutputStage = {
  readonly fleet: Fleet;
  readonly speaker: Speaker;
  /** Asks the pool, whose endpoint answers with the speech. */
  ask(pool: string, speech: Speech, how?: Ask): RawExchange;
  answerTo(pool: string, speech: Speech, how?: Ask): Promise<RawAnswer>;
  leasesAreHome(): Promise<unknown>;
  close(): Promise<void>;
};

/** `bundlePath`: another one than the built one. */
export async function startOutputStage(bundlePath?: string): Promise<OutputStage> {
  const speaker = await startSpeaker();
  const pool = (id: string, rails: unknown) => ({
    models: [id],
    paths: ["*"],
    patienceMs: 5_000,
    leaseTtlMs: 600_000,
    hedge: { enabled: false },
    rails,
    endpoints: [{ id: `ep-${id}`, region: "us-east", backend: "openai", url: speaker.url, concurrencyPerWorker: 512 }],
  });
  const fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    config: LOG_ALL,
    morePools: Object.fromEntries(Object.entries(POOLS).map(([id, rails]) => [id, pool(id, rails)])),
    ...(bundlePath === undefined ? {} : { bundlePath }),
  });
  let speeches = 0;
  const ask: OutputStage["ask"] = (poolId, speech, { path = "/v1/chat/completions", body = {} } = {}) => {
    const name = `speech-${(speeches += 1)}`;
    speaker.say(name, speech);
    const stream = (speech.contentType ?? "text/event-stream") === "text/event-stream";
    return rawCall(fleet.router.url + (ROUTED.has(path) ? path : `/p/${poolId}${path}`), {
      method: "POST",
      headers: {
        authorization: `Bearer ${fleet.key}`,
        "content-type": "application/json",
        "x-warmpath-place": "us-east",
        "x-speech": name,
      },
      body: JSON.stringify({ model: poolId, stream, messages: [{ role: "user", content: "x" }], prompt: "x", ...body }),
    });
  };
  return {
    fleet,
    speaker,
    ask,
    answerTo: async (poolId, speech, how) => ask(poolId, speech, how).answer,
    leasesAreHome: () => fleet.until(fleet.liveLeases, (leases) => leases === 0),
    close: async () => {
      await fleet.close();
      await speaker.close();
    },
  };
}

export const chunk = (delta: unknown, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
export const DONE = "data: [DONE]\n\n";
/** A chat stream of these texts. */
export const chatStream = (texts: readonly string[]) =>
  [
    chunk({ role: "assistant", content: "" }),
    ...texts.map((content) => chunk({ content })),
    chunk({}, "stop"),
    DONE,
  ].join("");
/** Pieces of four characters, as tokens are. */
export const tokens = (text: string) => text.match(/.{1,4}/gs) ?? [];

/** The text that a client puts together, and how it ended. */
export function chatText(body: Buffer) {
  const data = eventData(body);
  const events = data.filter((text) => text !== "[DONE]").map((text) => JSON.parse(text) as ChatChunk);
  return {
    text: events.map(({ choices }) => choices?.[0]?.delta?.content ?? "").join(""),
    finish: events.map(({ choices }) => choices?.[0]?.finish_reason ?? null).filter((reason) => reason !== null),
    error: events.find(({ error }) => error !== undefined)?.error ?? null,
    isDone: data.at(-1) === "[DONE]",
  };
}

export type ChatChunk = {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string; readonly tool_calls?: readonly ToolPiece[] };
    readonly finish_reason?: string | null;
  }[];
  readonly error?: { readonly code: string };
};
type ToolPiece = { readonly function: { readonly arguments: string } };

export function expectPrivate(body: Buffer | string): void {
  for (const found of PRIVATE) expect(body.toString()).not.toContain(found);
}
