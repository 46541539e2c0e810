/**
 * Decides which requests end the endpoints that work on them, and for how long they are refused in the whole fleet.
 *
 * Model. A *death* of an endpoint is a connection that broke under a request, and a probe that finds the endpoint gone soon
 * after; the requests that broke together are its suspects. Each death is a *kill* of every suspect: an innocent one is
 * among the suspects of one death, and what ends endpoints is among those of all. A suspect that is served anywhere is
 * cleared of all before. One that is left with KILLS_MIN kills, at two endpoints where there are two, is refused until
 * POISON_MS after the last of them; then it is tried again, and one more kill refuses it anew. What broke at an endpoint
 * that was gone already says nothing, nor does a probe that finds it well.
 * Kills are told to the shards of the pool in digests, so that each decides alone, by the same sum. Suspects are known by
 * keyed hashes of tenant, path and whole body (`dispatch/request-hash.ts`).
 * Rejected: the first death as proof, by which a machine that loses its power makes poison of what it was working on; a
 * question to the shard before each request, which costs a trip for what hardly ever is; and memory over restarts, for
 * which deaths are too rare and too dear a mistake.
 */
import { remember } from "../../../lib/recent.ts";

export type Kill = { readonly endpointId: string; readonly atMs: number };

/** What is known of one request; the oldest kill first. */
type Suspect = { readonly kills: readonly Kill[]; readonly servedMs: number };

/** Of an endpoint. */
type Death = { readonly atMs: number; readonly isConfirmed: boolean; readonly requests: Set<string> };

/** Written in place. */
export type PoisonBook = { readonly suspects: Map<string, Suspect>; readonly deaths: Map<string, Death> };

/** A suspect as an isolate is told of it: `forMs` 0 is one to look out for. */
export type PoisonTold = { readonly request: string; readonly forMs: number };

/** A suspect as shards tell each other, ages in ms. */
export type SuspectTold = {
  readonly request: string;
  readonly kills: readonly { readonly endpointId: string; readonly agoMs: number }[];
  /** Null: it was not served. */
  readonly servedAgoMs: number | null;
};

/** A suspect as operators see it. */
export type ShownSuspect = {
  readonly request: string;
  readonly kills: number;
  readonly endpoints: readonly string[];
  readonly lastKillAgoMs: number;
  /** Refused for so long; 0: it is not. */
  readonly refusedForMs: number;
};

/** Two may be chance: a request is repeated while a second endpoint goes the way of the first. */
export const KILLS_MIN = 3;
/** … of them at so many endpoints, where the pool has as many. */
export const KILLED_ENDPOINTS_MIN = 2;
/** How long one is refused after its last kill, ms: an engine is mended or restarted by then, and a try costs one. */
export const POISON_MS = 600_000;
/** A kill is forgotten after this, ms. */
export const KILL_LIFE_MS = 3_600_000;
/** What breaks within this of the first breaks with it, ms: connections are lost one after the other. */
export const TOGETHER_MS = 1_000;
/** A probe must find the endpoint gone within this, ms: two of them at their longest. */
export const CONFIRM_MS = 5_000;
/** Two shards' words of a kill at one endpoint are the same kill within this, ms: no engine starts sooner. */
export const SAME_KILL_MS = 2_000;
/** Requests of one death; a GPU worker runs a few hundred, and more suspects say less of each. */
export const DEATH_REQUESTS_MAX = 256;
/** Suspects remembered; the one whose last kill is oldest is forgotten first. */
export const SUSPECTS_MAX = 256;
/** Kills kept of each, the last ones. */
export const KILLS_KEPT = 8;
/** Suspects that an isolate and a peer are told of at once: a few KB. */
export const TOLD_MAX = 32;

export const createPoisonBook = (): PoisonBook => ({ suspects: new Map(), deaths: new Map() });

/** The connection to `endpointId` broke under the request. True: that was a kill. */
export function noteBroken(book: PoisonBook, endpointId: string, request: string, now: number): boolean {
  const known = book.deaths.get(endpointId);
  const death: Death = known ?? { atMs: now, isConfirmed: false, requests: new Set() };
  if (known === undefined) book.deaths.set(endpointId, death);
  // It was gone before.
  if (now - death.atMs > TOGETHER_MS) return false;
  if (death.requests.size >= DEATH_REQUESTS_MAX || death.requests.has(request)) return false;
  death.requests.add(request);
  if (death.isConfirmed) addKill(book, request, { endpointId, atMs: death.atMs });
  return death.isConfirmed;
}

/** A probe found the endpoint gone. The requests whose kill that makes it. */
export function confirmDeath(book: PoisonBook, endpointId: string, now: number): readonly string[] {
  const death = book.deaths.get(endpointId);
  if (death === undefined) {
    // What breaks from now on breaks at an endpoint that is gone, but for what was under way.
    book.deaths.set(endpointId, { atMs: now, isConfirmed: true, requests: new Set() });
    return [];
  }
  if (death.isConfirmed || now - death.atMs > CONFIRM_MS) return [];
  book.deaths.set(endpointId, { ...death, isConfirmed: true });
  for (const request of death.requests) addKill(book, request, { endpointId, atMs: death.atMs });
  return [...death.requests];
}

/** A probe found it well: whatever broke, it lives. */
export function noteAlive(book: PoisonBook, endpointId: string): void {
  book.deaths.delete(endpointId);
}

/** An endpoint served it, or an operator speaks for it. False: it is no suspect. */
export function clearSuspect({ suspects }: PoisonBook, request: string, now: number): boolean {
  const known = suspects.get(request);
  if (known === undefined) return false;
  suspects.set(request, { ...known, servedMs: Math.max(known.servedMs, now) });
  return true;
}

function addKill({ suspects }: PoisonBook, request: string, kill: Kill): void {
  const known = suspects.get(request) ?? NEW;
  const isKnown = known.kills.some(
    ({ endpointId, atMs }) => endpointId === kill.endpointId && Math.abs(atMs - kill.atMs) < SAME_KILL_MS,
  );
  if (isKnown) return;
  const kills = [...known.kills, kill].sort((one, other) => one.atMs - other.atMs).slice(-KILLS_KEPT);
  suspects.delete(request);
  remember(suspects, request, { ...known, kills }, SUSPECTS_MAX);
}

const NEW: Suspect = { kills: [], servedMs: Number.NEGATIVE_INFINITY };

/** Kills that count against it. */
const counted = ({ kills, servedMs }: Suspect, now: number): readonly Kill[] =>
  kills.filter(({ atMs }) => atMs > servedMs && now - atMs < KILL_LIFE_MS);

/** For how long a suspect is refused, ms; 0: it is not. `endpoints`: that the pool has. */
function refusedForMs(kills: readonly Kill[], endpoints: number, now: number): number {
  const killed = new Set(kills.map(({ endpointId }) => endpointId)).size;
  if (kills.length < KILLS_MIN || killed < Math.min(KILLED_ENDPOINTS_MIN, endpoints)) return 0;
  return Math.max(0, (kills.at(-1)?.atMs ?? now) + POISON_MS - now);
}

/** Suspects with kills that count; those that are refused come first. */
export function shownSuspects({ suspects }: PoisonBook, endpoints: number, now: number): readonly ShownSuspect[] {
  const shown = [...suspects].flatMap(([request, suspect]) => {
    const kills = counted(suspect, now);
    const last = kills.at(-1);
    if (last === undefined) return [];
    const ids = [...new Set(kills.map(({ endpointId }) => endpointId))];
    const forMs = refusedForMs(kills, endpoints, now);
    return [{ request, kills: kills.length, endpoints: ids, lastKillAgoMs: now - last.atMs, refusedForMs: forMs }];
  });
  return shown.sort((one, other) => other.refusedForMs - one.refusedForMs || one.lastKillAgoMs - other.lastKillAgoMs);
}

/** What an isolate is to know. */
export function poisonNews(book: PoisonBook, endpoints: number, now: number): readonly PoisonTold[] {
  if (book.suspects.size === 0) return [];
  const shown = shownSuspects(book, endpoints, now).slice(0, TOLD_MAX);
  return shown.map(({ request, refusedForMs: forMs }) => ({ request, forMs }));
}

/** What the pool's other shards are to know. */
export function tellSuspects({ suspects }: PoisonBook, now: number): readonly SuspectTold[] {
  const told: SuspectTold[] = [];
  for (const [request, { kills, servedMs }] of [...suspects].toReversed()) {
    const lately = kills.filter(({ atMs }) => now - atMs < KILL_LIFE_MS);
    if (lately.length === 0) suspects.delete(request);
    else if (told.length < TOLD_MAX) {
      const servedAgoMs = Number.isFinite(servedMs) ? now - servedMs : null;
      told.push({
        request,
        servedAgoMs,
        kills: lately.map(({ endpointId, atMs }) => ({ endpointId, agoMs: now - atMs })),
      });
    }
  }
  return told;
}

/** Takes another shard's word. The requests of whose kills it was news. */
export function hearSuspects(book: PoisonBook, told: readonly SuspectTold[], now: number): readonly string[] {
  const news: string[] = [];
  for (const { request, kills, servedAgoMs } of told.slice(0, TOLD_MAX)) {
    const before = book.suspects.get(request)?.kills.length ?? 0;
    for (const { endpointId, agoMs } of kills.slice(-KILLS_KEPT))
      addKill(book, request, { endpointId, atMs: now - Math.max(0, agoMs) });
    if (servedAgoMs !== null) clearSuspect(book, request, now - Math.max(0, servedAgoMs));
    if ((book.suspects.get(request)?.kills.length ?? 0) > before) news.push(request);
  }
  return news;
}
