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
 * keyed hashes of tenant, path and whole body (`dispatch/request-hash.ts`). Kills are kept over restarts of the shard: each
 * has cost an endpoint, and a shard may restart for the very reason that something of its machine ended.
 * Rejected: the first death as proof, by which a machine that loses its power makes poison of what it was working on; and a
 * question to the shard before each request, which costs a trip for what hardly ever is.
 */
import { remember } from "../../../lib/recent.ts";

/** `death`: named by the endpoint's shard, so that two words of one death are one. */
type Kill = { readonly endpointId: string; readonly death: string; readonly atMs: number };

/** What is known of one request; the oldest kill first. */
type Suspect = { readonly kills: readonly Kill[]; readonly servedMs: number };

/** Of an endpoint. */
type Death = Kill & { readonly isConfirmed: boolean; readonly requests: Set<string> };

/** Written in place. */
export type PoisonBook = {
  readonly suspects: Map<string, Suspect>;
  /** By endpoint. */
  readonly deaths: Map<string, Death>;
  /** Of the shard: it names its deaths by it. */
  readonly epoch: number;
  died: number;
  /** Rises with whatever a restart should know. */
  changes: number;
};

/** A suspect as it is kept over a restart, instants in ms since the epoch. */
export type SuspectKept = {
  readonly request: string;
  readonly kills: readonly Kill[];
  /** Null: it was not served. */
  readonly servedMs: number | null;
};

/** A suspect as an isolate is told of it: `forMs` 0 is one to look out for. */
export type PoisonTold = { readonly request: string; readonly forMs: number };

/** A suspect as shards tell each other, ages in ms. */
export type SuspectTold = {
  readonly request: string;
  readonly kills: readonly (Omit<Kill, "atMs"> & { readonly agoMs: number })[];
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
const KILLED_ENDPOINTS_MIN = 2;
/** How long one is refused after its last kill, ms: an engine is mended or restarted by then, and a try costs one. */
export const POISON_MS = 600_000;
/** A kill is forgotten after this, ms. */
export const KILL_LIFE_MS = 3_600_000;
/** What breaks within this of the first breaks with it, ms: connections are lost one after the other. */
export const TOGETHER_MS = 2_000;
/** A probe must find the endpoint gone within this, ms: two of them at their longest. */
export const CONFIRM_MS = 5_000;
/** Requests of one death; a GPU worker runs a few hundred, and more suspects say less of each. */
export const DEATH_REQUESTS_MAX = 256;
/** Suspects remembered; the one whose last kill is oldest is forgotten first. */
export const SUSPECTS_MAX = 256;
/** Kills kept of each, the last ones. */
export const KILLS_KEPT = 8;
/** That a request was served which is held against by nobody is remembered for so long, ms: no death is confirmed later. */
export const CLEARED_LIFE_MS = 60_000;
/** Suspects that an isolate and a peer are told of at once: a few KB. */
export const TOLD_MAX = 32;

export const createPoisonBook = (epoch: number): PoisonBook => ({
  suspects: new Map(),
  deaths: new Map(),
  epoch,
  died: 0,
  changes: 0,
});

/** What a restart should know: suspects with kills that may still count. */
export function keptSuspects({ suspects }: PoisonBook, now: number): readonly SuspectKept[] {
  return [...suspects].flatMap(([request, suspect]) => {
    const kills = counted(suspect, now);
    const { servedMs } = suspect;
    return kills.length === 0 ? [] : [{ request, kills, servedMs: Number.isFinite(servedMs) ? servedMs : null }];
  });
}

/** Of an earlier incarnation. */
export function restoreSuspects({ suspects }: PoisonBook, kept: readonly SuspectKept[], now: number): void {
  for (const { request, kills, servedMs } of kept) {
    const lately = kills.filter(({ atMs }) => atMs <= now && now - atMs < KILL_LIFE_MS).slice(-KILLS_KEPT);
    if (lately.length === 0) continue;
    remember(suspects, request, { kills: lately, servedMs: servedMs ?? Number.NEGATIVE_INFINITY }, SUSPECTS_MAX);
  }
}

function newDeath(book: PoisonBook, endpointId: string, isConfirmed: boolean, atMs: number): Death {
  book.died += 1;
  const death = { endpointId, death: `${book.epoch}.${book.died}`, atMs, isConfirmed, requests: new Set<string>() };
  book.deaths.set(endpointId, death);
  return death;
}

/** The connection to `endpointId` broke under the request. True: that was a kill. */
export function noteBroken(book: PoisonBook, endpointId: string, request: string, now: number): boolean {
  const last = book.deaths.get(endpointId);
  // What nobody has confirmed in time was none.
  const known = last?.isConfirmed === false && now - last.atMs > CONFIRM_MS ? undefined : last;
  const death = known ?? newDeath(book, endpointId, false, now);
  // It was gone before.
  if (now - death.atMs > TOGETHER_MS) return false;
  if (death.requests.size >= DEATH_REQUESTS_MAX || death.requests.has(request)) return false;
  death.requests.add(request);
  if (death.isConfirmed) addKill(book, request, death);
  return death.isConfirmed;
}

/** A probe found the endpoint gone. The requests whose kill that makes it. */
export function confirmDeath(book: PoisonBook, endpointId: string, now: number): readonly string[] {
  const death = book.deaths.get(endpointId);
  if (death === undefined) {
    // What breaks from now on breaks at an endpoint that is gone, but for what was under way.
    newDeath(book, endpointId, true, now);
    return [];
  }
  if (death.isConfirmed || now - death.atMs > CONFIRM_MS) return [];
  book.deaths.set(endpointId, { ...death, isConfirmed: true });
  for (const request of death.requests) addKill(book, request, death);
  return [...death.requests];
}

/** A probe that was sent at `askedMs` found it well: whatever broke before, it lives. */
export function noteAlive({ deaths }: PoisonBook, endpointId: string, askedMs: number): void {
  const death = deaths.get(endpointId);
  if (death !== undefined && askedMs >= death.atMs) deaths.delete(endpointId);
}

/** An endpoint served it, or an operator speaks for it: what ended before was not its doing. */
export function clearSuspect(book: PoisonBook, request: string, now: number): void {
  const { suspects, deaths } = book;
  const known = suspects.get(request) ?? NEW;
  if (counted(known, now).length > 0) book.changes += 1;
  // Also of a request that is none yet: a death may be confirmed after it was served elsewhere.
  remember(suspects, request, { ...known, servedMs: Math.max(known.servedMs, now) }, SUSPECTS_MAX);
  for (const { requests } of deaths.values()) requests.delete(request);
}

function addKill(book: PoisonBook, request: string, { endpointId, death, atMs }: Kill): void {
  const { suspects } = book;
  const known = suspects.get(request) ?? NEW;
  if (known.kills.some((one) => one.endpointId === endpointId && one.death === death)) return;
  const kills = [...known.kills, { endpointId, death, atMs }]
    .sort((one, other) => one.atMs - other.atMs)
    .slice(-KILLS_KEPT);
  suspects.delete(request);
  remember(suspects, request, { ...known, kills }, SUSPECTS_MAX);
  book.changes += 1;
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
    if (lately.length === 0 && now - servedMs > CLEARED_LIFE_MS) suspects.delete(request);
    else if (told.length < TOLD_MAX) {
      const servedAgoMs = Number.isFinite(servedMs) ? now - servedMs : null;
      told.push({
        request,
        servedAgoMs,
        kills: lately.map(({ atMs, ...kill }) => ({ ...kill, agoMs: now - atMs })),
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
    for (const { agoMs, ...kill } of kills.slice(-KILLS_KEPT))
      addKill(book, request, { ...kill, atMs: now - Math.max(0, agoMs) });
    if (servedAgoMs !== null) clearSuspect(book, request, now - Math.max(0, servedAgoMs));
    if ((book.suspects.get(request)?.kills.length ?? 0) > before) news.push(request);
  }
  return news;
}
