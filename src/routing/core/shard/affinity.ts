/**
 * Decides what a shard remembers of sessions and prompt prefixes, and what that is worth at each endpoint.
 *
 * Model. The edge sends keys with a long prompt: a session's, and those of the prompt's beginnings (`prompt-chain.ts`).
 * What two prompts have in common is the longest beginning that both have; where an endpoint has none of its text, the
 * session stands for the whole prompt. Who was given a key's last requests has their tokens in its KV cache, until as much
 * else was written there as it keeps (`endpoint/prompt-cache.ts`); a match is a discount in ms in the `pre` term and
 * nothing else (`routing/core/cost/terms/prefill.ts`), so every other term can outweigh it. The discount is divided by the key's heat,
 *
 *   heat = max(1, share(key) · n / holders)
 *
 * where share is the key's part of the keyed requests lately (tau 10 s, with a prior of eight requests of others, so that
 * a lone session is not hot), n the endpoints that may take it, and holders those that have it. A key that is asked for
 * more often than its share of the endpoints therefore spreads, until enough of them hold it. Of a prompt it is the heat
 * of the longest beginning that is held: a system prompt that everybody sends spreads, the conversations behind it stay. A
 * discount that is not borne out (the engine says so, or reads as long as without a cache: the prompts have only their key
 * in common) loses a fifth of itself each time, and is won back in the same way.
 *
 * Bounded: least recently used keys go first. Keys stay in the shard that the session's requests ask; digests carry
 * nothing per key, and a spilled request teaches the shard it was sent to.
 * Source: docs/reference/sources.md, Prequal (heat, and 0.8 / 0.2 of the match confidence), Cost model. Rejected: a consistent hash, which moves sessions when an endpoint comes or
 * goes; a mirror of the engine's block tree, which a router in front of a load balancer cannot keep right.
 */

import { countAt, countMore, NO_EVENTS } from "../../../lib/fading-count.ts";
import { keptOf, soughtOf } from "./prompt-chain.ts";
import type { PromptChain, PromptMark } from "./prompt-chain.ts";
import type { FadingCount } from "../../../lib/fading-count.ts";
import { remember } from "../../../lib/recent.ts";

/** What the edge says of a prompt. The key is a keyed hash: it tells nothing of the prompt or its tenant. */
export type AffinityKey = {
  readonly key: string;
  /** Tokens of the prompt that requests with the same key share, or come to share, at most. */
  readonly tokens: number;
  /** A session's own id, or the prompt's beginning. */
  readonly kind: "session" | "prefix";
  /** Its endpoint puts before it what it kept of the answer that it goes on from, so it has more tokens than were sent. */
  readonly goesOn?: true;
  /** How the prompt begins; absent: it has no text to be known by, or its pool reads none. */
  readonly chain?: PromptChain;
};

/** What is remembered of one request's key. */
export type AffinityMatch = {
  /** >= 1; at most n / holders. */
  readonly heat: number;
  /** Tokens that are expected to be cached, by endpoint. */
  readonly tokensByEndpoint: ReadonlyMap<string, number>;
};

/** An endpoint that was given requests with the key. */
export type Holder = {
  readonly endpointId: string;
  /** The GPU worker that answered last; null where the endpoint does not tell. */
  readonly workerId: string | null;
  readonly tokens: number;
  /** Share of the expected tokens that has been borne out, 0..1. */
  readonly confidence: number;
  /** Tokens that had been written there when it was last used. */
  readonly written: number;
};

/** Is what was used at `written` still cached at an endpoint. */
export type StillCached = (endpointId: string, written: number) => boolean;

/** Weight of the newest evidence. */
const EVIDENCE_SHARE = 0.2;

type Entry = {
  /** At most HOLDERS_MAX; the one used last comes last. */
  holders: readonly Holder[];
  /** Requests with the key lately. */
  recent: FadingCount;
};

/** Written in place. */
export type AffinityTable = { readonly entries: Map<string, Entry>; recent: FadingCount };

/** Prompts shorter than this have no key, tokens: 32 ms of prefill on a mid-range GPU. */
export const AFFINITY_TOKENS_MIN = 512;

/** Keys remembered, a dozen a conversation: at about 300 bytes each they take 10 MB of an isolate's 128. */
export const AFFINITY_KEYS_MAX = 32_768;

/** Endpoints remembered of one key: a prefix hotter than that is cached everywhere anyway. */
export const HOLDERS_MAX = 8;

/** Time constant of a key's share, ms. */
export const SHARE_TAU_MS = 10_000;

/** Keyed requests of others that every share is measured against. */
export const SHARE_PRIOR = 8;

export function createAffinity(): AffinityTable {
  return { entries: new Map(), recent: NO_EVENTS };
}

/** Under which keys a prompt is remembered: its beginnings, and the session's own. */
const keysOf = ({ key, tokens, kind, chain }: AffinityKey): readonly PromptMark[] => [
  ...(chain === undefined ? [] : keptOf(chain)),
  // That of a prefix is its first mark's.
  ...(chain === undefined || kind === "session" ? [{ key, tokens }] : []),
];

/**
 * By what it is looked for, the most tokens first, and the session's name last: what an endpoint holds of the text says
 * how much of it is cached there, the name only that some of it may be.
 */
const soughtBy = ({ key, tokens, kind, chain, goesOn }: AffinityKey): readonly PromptMark[] => [
  ...(chain === undefined ? [] : soughtOf(chain)),
  // What comes before it is as much as was kept.
  ...(chain === undefined || kind === "session" ? [{ key, tokens: goesOn ? Number.POSITIVE_INFINITY : tokens }] : []),
];

/** Counts a request with the keys that is to be routed. */
export function countAffinity(table: AffinityTable, wanted: AffinityKey, now: number): void {
  for (const { key } of keysOf(wanted)) {
    const entry = touch(table, key);
    entry.recent = countMore(entry.recent, 1, SHARE_TAU_MS, now);
  }
  table.recent = countMore(table.recent, 1, SHARE_TAU_MS, now);
}

/** What the keys are worth, with `endpoints` (>= 1) that may take the request; null when nobody holds any any more. */
export function matchAffinity(
  table: AffinityTable,
  wanted: AffinityKey,
  { endpoints, isCached }: { readonly endpoints: number; readonly isCached: StillCached },
  now: number,
): AffinityMatch | null {
  const tokensByEndpoint = new Map<string, number>();
  let heat: number | null = null;
  for (const mark of soughtBy(wanted)) {
    const entry = table.entries.get(mark.key);
    const holders = entry?.holders.filter(({ endpointId, written }) => isCached(endpointId, written)) ?? [];
    if (entry === undefined || holders.length === 0) continue;
    heat ??= heatOf(table, entry, endpoints / holders.length, now);
    for (const { endpointId, confidence, tokens } of holders) {
      if (tokensByEndpoint.has(endpointId)) continue;
      tokensByEndpoint.set(endpointId, confidence * Math.min(tokens, mark.tokens));
    }
  }
  return heat === null ? null : { heat, tokensByEndpoint };
}

function heatOf(table: AffinityTable, { recent }: Entry, endpointsPerHolder: number, now: number): number {
  const ofAll = countAt(table.recent, SHARE_TAU_MS, now) + SHARE_PRIOR;
  return Math.max(1, (countAt(recent, SHARE_TAU_MS, now) / ofAll) * endpointsPerHolder);
}

/** What `endpointId` was last given of it, by its longest beginning there, cached still or not; null when nothing. */
export function holderOf(table: AffinityTable, wanted: AffinityKey, endpointId: string): Holder | null {
  for (const { key, tokens } of soughtBy(wanted)) {
    const holder = heldAt(table, key, endpointId);
    if (holder !== null) return { ...holder, tokens: Math.min(holder.tokens, tokens) };
  }
  return null;
}

function heldAt(table: AffinityTable, key: string, endpointId: string): Holder | null {
  return table.entries.get(key)?.holders.find((one) => one.endpointId === endpointId) ?? null;
}

export type HolderNews = {
  readonly endpointId: string;
  /** The GPU worker that answered; null keeps the one that is known. */
  readonly workerId: string | null;
  /** Did it turn out to be cached; null where that was not seen. */
  readonly wasCached: boolean | null;
  /** Tokens written there by now. */
  readonly written: number;
};

/** A request with the keys goes to an endpoint, or was answered there. */
export function noteHolder(table: AffinityTable, wanted: AffinityKey, news: HolderNews): void {
  for (const mark of keysOf(wanted)) {
    // Until its end says how long it was in all, what goes on from an answer is no shorter than that was.
    const before = wanted.goesOn ? (heldAt(table, mark.key, news.endpointId)?.tokens ?? 0) : 0;
    noteMark(table, { key: mark.key, tokens: Math.max(before, mark.tokens) }, news);
  }
}

/** Under this one key; that of an answer, from which the next request may go on. */
export function noteMark(
  table: AffinityTable,
  { key, tokens }: PromptMark,
  { endpointId, workerId, wasCached, written }: HolderNews,
): void {
  const entry = touch(table, key);
  const before = heldAt(table, key, endpointId);
  const trusted = before?.confidence ?? 1;
  const confidence = wasCached === null ? trusted : trusted + EVIDENCE_SHARE * ((wasCached ? 1 : 0) - trusted);
  const holder = { endpointId, workerId: workerId ?? before?.workerId ?? null, tokens, confidence, written };
  const others = entry.holders.filter((one) => one.endpointId !== endpointId);
  entry.holders = [...others, holder].slice(-HOLDERS_MAX);
}

/** An attempt with the keys failed at `endpointId`: whatever was cached there may be gone. */
export function dropHolder(table: AffinityTable, wanted: AffinityKey, endpointId: string): void {
  for (const { key } of keysOf(wanted)) {
    const entry = table.entries.get(key);
    if (entry !== undefined) entry.holders = entry.holders.filter((one) => one.endpointId !== endpointId);
  }
}

/** The key's entry, as the one used last. */
function touch({ entries }: AffinityTable, key: string): Entry {
  const entry = entries.get(key) ?? { holders: [], recent: NO_EVENTS };
  remember(entries, key, entry, AFFINITY_KEYS_MAX);
  return entry;
}
