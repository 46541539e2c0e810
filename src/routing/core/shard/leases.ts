/**
 * Decides who may run an attempt: the table of live leases of one shard.
 *
 * Model. In-flight is the number of live leases, read off the sets below; nothing is ever added to or subtracted from a
 * counter, so a lost or doubled message cannot make it drift (the complaint most often made of gateways). A lease ends
 * exactly once: settled by its holder or expired by its time. Every operation is idempotent by lease id, and a settled id
 * leaves a tombstone, so that a late or repeated `acquire` or `renew` cannot bring it back.
 *
 * Expiry is lazy: every call drops what is due. Due leases are found in buckets of `BUCKET_MS`, because settling must
 * remove a lease at once; a heap would keep settled ones until their time came.
 *
 * The line of prompts is read off likewise: `unread` holds the live leases that have a prompt and no first token yet.
 *
 * Restart. Leases live in memory only. A new incarnation of the shard has a higher `epoch`; a renewal that carries an
 * older epoch re-creates its lease (`adopted`), so the table is right again within one renewal period.
 *
 * Rejected: one SQLite row a lease (4 times the CPU of the whole request, docs/reference/sources.md, Cost of parts), and +1/-1 counters.
 */
import { invariant } from "../../../lib/invariant.ts";
import type { LeasePrompt } from "../endpoint/prompt-line.ts";
import { addTo, removeFrom } from "./key-index.ts";
import type { Sender } from "./fair-shares.ts";

export type Lease = {
  readonly id: string;
  readonly endpointId: string;
  /** Epoch of the shard incarnation that granted it. */
  readonly epoch: number;
  readonly grantedAtMs: number;
  /** A credit counts as in flight from its grant, and is `spent` once the edge says that a request runs under it. */
  spent: boolean;
  expiresAtMs: number;
  /** No renewal moves `expiresAtMs` past this instant. */
  readonly capAtMs: number;
  /** The single GPU worker behind the endpoint, where it is known. */
  workerId: string | null;
  /** Whose request runs under it, and what its sender was charged; null: it was granted ahead, or nobody asked for it. */
  charged: Charged | null;
  /** What was expected to be ahead in line when it was granted, ms. */
  readonly aheadMs: number;
  /** Null while nobody has said what runs under it. */
  prompt: LeasePrompt | null;
  /** Its first token has come. */
  begun: boolean;
};

type Charged = {
  readonly sender: Sender;
  readonly rank: number;
  readonly tokens: number;
  /** When its edge was first told to put it back; null: it is not. */
  putBackAtMs: number | null;
};

export type LeaseTable = {
  readonly epoch: number;
  readonly live: Map<string, Lease>;
  readonly byEndpoint: Map<string, Set<string>>;
  /** By endpoint, in the order of their grants: leases with a prompt and without a first token. */
  readonly unread: Map<string, Set<Lease>>;
  /** By endpoint: prompt tokens of its live leases; changed where a lease comes into `byEndpoint` or leaves it. */
  readonly promptSums: Map<string, number>;
  /** By endpoint and GPU worker (`workerKey`); only leases whose GPU worker is known. */
  readonly byWorker: Map<string, Set<string>>;
  /** Bucket number (`expiresAtMs / BUCKET_MS`, rounded down) to the ids that expire in it. */
  readonly buckets: Map<number, Set<string>>;
  /** Ids that ended lately, in two generations: forgetting the older one whole costs nothing per id. */
  tombstones: Set<string>;
  olderTombstones: Set<string>;
  /** When the younger generation began. */
  tombstonesSinceMs: number;
  /** First bucket that may hold a due lease. */
  sweepFrom: number;
};

/** Expiry granularity of the index, ms; a lease itself expires exactly at its time. */
export const BUCKET_MS = 250;

/** Tombstones per generation: 30 s at 1,000 leases a second is 30,000; a fuller one becomes the older one early. */
export const TOMBSTONES_MAX = 32_768;

/** How long an ended id is remembered at least, ms: longer than any message of the edge can be under way. */
export const TOMBSTONE_MS = 30_000;

/** Live leases in one shard: above this the shard sheds. 16,384 x ~300 bytes is 5 MB of an isolate's 128. */
export const LEASES_MAX = 16_384;

export function createLeaseTable(epoch: number): LeaseTable {
  return {
    epoch,
    live: new Map(),
    byEndpoint: new Map(),
    unread: new Map(),
    promptSums: new Map(),
    byWorker: new Map(),
    buckets: new Map(),
    tombstones: new Set(),
    olderTombstones: new Set(),
    tombstonesSinceMs: Number.NEGATIVE_INFINITY,
    sweepFrom: Number.NEGATIVE_INFINITY,
  };
}

/** Live leases of `endpointId`. Callers drop the due ones first (`expireLeases`). */
export function inFlight(table: LeaseTable, endpointId: string): number {
  return table.byEndpoint.get(endpointId)?.size ?? 0;
}

/** Leases of `endpointId` whose prompts are in line there, in the order of their grants. */
export function unreadAt(table: LeaseTable, endpointId: string): ReadonlySet<Lease> {
  return table.unread.get(endpointId) ?? NOBODY;
}

const NOBODY: ReadonlySet<Lease> = new Set();

/** Prompt tokens of the live leases of `endpointId`. */
export function promptTokensAt(table: LeaseTable, endpointId: string): number {
  return table.promptSums.get(endpointId) ?? 0;
}

/** The first token of `lease` has come: its prompt is in line no longer. */
export function noteRead(table: LeaseTable, lease: Lease): void {
  if (lease.begun) return;
  leaveLine(table, lease);
  lease.begun = true;
}

/** Live leases that are known to be at a GPU worker of `endpointId`. */
export function inFlightAtWorker(table: LeaseTable, endpointId: string, workerId: string): number {
  return table.byWorker.get(workerKey(endpointId, workerId))?.size ?? 0;
}

/** The live lease `id` is at that GPU worker, or is about to be; an id that is not live changes nothing. */
export function placeLease(table: LeaseTable, id: string, workerId: string): void {
  const lease = table.live.get(id);
  if (lease === undefined || lease.workerId === workerId) return;
  leaveWorker(table, lease);
  lease.workerId = workerId;
  addTo(table.byWorker, workerKey(lease.endpointId, workerId), id);
}

export type LeaseGrant = {
  readonly id: string;
  readonly endpointId: string;
  /** Life without renewal, ms, > 0. */
  readonly ttlMs: number;
  /** Absolute life, ms; ends the lease also where `ttlMs` is longer. */
  readonly capMs: number;
  readonly spent: boolean;
  /** Expected to be ahead in line, ms; absent: 0. */
  readonly aheadMs?: number;
  /** What is to run under it; absent or null: not known yet. */
  readonly prompt?: LeasePrompt | null;
};

export type AcquireOutcome =
  | { readonly kind: "granted"; readonly lease: Lease }
  /** The same id asked again: the first grant stands. */
  | { readonly kind: "existing"; readonly lease: Lease }
  /** The id has ended already. */
  | { readonly kind: "ended" }
  /** `LEASES_MAX` live leases. */
  | { readonly kind: "table_full" };

export function acquireLease(table: LeaseTable, grant: LeaseGrant, now: number): AcquireOutcome {
  const known = table.live.get(grant.id);
  if (known !== undefined) return { kind: "existing", lease: known };
  if (hasEnded(table, grant.id)) return { kind: "ended" };
  if (table.live.size >= LEASES_MAX) return { kind: "table_full" };
  return { kind: "granted", lease: insert(table, grant, table.epoch, now) };
}

export type Renewal = {
  readonly id: string;
  readonly endpointId: string;
  /** Epoch under which the holder was granted the lease. */
  readonly epoch: number;
  readonly ttlMs: number;
  /** What is left of the lease's absolute life by the holder's own account, ms; used only to adopt. */
  readonly capLeftMs: number;
  /** What runs under it, where its holder says; taken where the table does not know. */
  readonly prompt?: LeasePrompt | null;
  /** Its first token has come. */
  readonly begun?: boolean;
};

/**
 * `renewed`: lives on. `adopted`: an earlier incarnation granted it, this one now counts it. `gone`: it ended here, and
 * the holder's attempt is no longer counted.
 */
export type RenewOutcome = "renewed" | "adopted" | "gone";

export function renewLease(table: LeaseTable, renewal: Renewal, now: number): RenewOutcome {
  const lease = table.live.get(renewal.id);
  if (lease !== undefined) {
    lease.spent = true;
    tellPrompt(table, lease, renewal);
    reschedule(table, lease, Math.min(now + renewal.ttlMs, lease.capAtMs));
    return "renewed";
  }
  const adoptable =
    renewal.epoch < table.epoch &&
    renewal.capLeftMs > 0 &&
    !hasEnded(table, renewal.id) &&
    table.live.size < LEASES_MAX;
  if (!adoptable) return "gone";
  const { id, endpointId, ttlMs, capLeftMs } = renewal;
  const adopted = insert(table, { id, endpointId, ttlMs, capMs: capLeftMs, spent: true }, renewal.epoch, now);
  tellPrompt(table, adopted, renewal);
  return "adopted";
}

/** What a holder says of its lease's prompt, which a credit's shard, or another's, does not know. */
function tellPrompt(table: LeaseTable, lease: Lease, { prompt = null, begun = false }: Renewal): void {
  if (lease.prompt === null && prompt !== null) {
    lease.prompt = prompt;
    joinLine(table, lease);
  }
  if (begun) noteRead(table, lease);
}

/** `settled` once, then `ended`; `unknown` for an id never seen. In every case the id can never become live again. */
export type SettleOutcome =
  | { readonly kind: "settled"; readonly lease: Lease }
  | { readonly kind: "ended" }
  | { readonly kind: "unknown" };

export function settleLease(table: LeaseTable, id: string, now: number): SettleOutcome {
  const lease = table.live.get(id);
  // A live lease has no tombstone.
  const ended = lease === undefined && hasEnded(table, id);
  bury(table, id, now);
  if (lease === undefined) return { kind: ended ? "ended" : "unknown" };
  remove(table, lease);
  return { kind: "settled", lease };
}

/** Ends every lease whose time has come and returns them. Cost: the buckets since the last sweep, not the table. */
export function expireLeases(table: LeaseTable, now: number): Lease[] {
  const current = Math.floor(now / BUCKET_MS);
  if (table.live.size === 0) {
    table.sweepFrom = current;
    return [];
  }
  const expired: Lease[] = [];
  // A long pause would make the range longer than the number of buckets that exist: then walk what exists.
  if (current - table.sweepFrom > table.buckets.size) {
    for (const key of table.buckets.keys()) if (key <= current) expireBucket(table, key, now, expired);
  } else {
    for (let key = table.sweepFrom; key <= current; key += 1) expireBucket(table, key, now, expired);
  }
  table.sweepFrom = current;
  return expired;
}

function expireBucket(table: LeaseTable, key: number, now: number, expired: Lease[]): void {
  for (const id of table.buckets.get(key) ?? []) {
    const lease = table.live.get(id);
    invariant(lease !== undefined, "an expiry bucket holds only live leases");
    if (lease.expiresAtMs > now) continue;
    bury(table, id, now);
    remove(table, lease);
    expired.push(lease);
  }
}

/** Throws when the table contradicts itself. For tests and the simulator. */
export function checkLeaseTable(table: LeaseTable): void {
  let indexed = 0;
  for (const [endpointId, ids] of table.byEndpoint) {
    for (const id of ids) invariant(table.live.get(id)?.endpointId === endpointId, "endpoint index names a live lease");
    indexed += ids.size;
  }
  invariant(indexed === table.live.size, "every live lease is counted at exactly one endpoint");
  let placed = 0;
  for (const [key, ids] of table.byWorker) {
    for (const id of ids) {
      const lease = table.live.get(id);
      const at = lease === undefined ? "" : workerKey(lease.endpointId, lease.workerId ?? "");
      invariant(at === key, "worker index names a live lease at that worker");
    }
    placed += ids.size;
  }
  const known = [...table.live.values()].filter(({ workerId }) => workerId !== null).length;
  invariant(placed === known, "every lease with a known GPU worker is counted there once");
  let unread = 0;
  for (const [endpointId, leases] of table.unread) {
    for (const lease of leases) {
      const isInLine = lease.endpointId === endpointId && lease.prompt !== null && !lease.begun;
      invariant(isInLine && table.live.get(lease.id) === lease, "the line holds live leases without a first token");
    }
    unread += leases.size;
  }
  const inLine = [...table.live.values()].filter(({ prompt, begun }) => prompt !== null && !begun).length;
  invariant(unread === inLine, "every prompt without a first token is in line once");
  for (const [endpointId, sum] of table.promptSums) {
    const ids = [...(table.byEndpoint.get(endpointId) ?? [])];
    const summed = ids.reduce((total, id) => total + (table.live.get(id)?.prompt?.tokens ?? 0), 0);
    invariant(sum === summed, "a sum of prompts is that of the live leases");
  }
  let scheduled = 0;
  for (const [bucket, ids] of table.buckets) {
    for (const id of ids) {
      const dueMs = table.live.get(id)?.expiresAtMs ?? Number.NaN;
      invariant(Math.floor(dueMs / BUCKET_MS) === bucket, "a lease expires in its bucket");
    }
    invariant(bucket >= table.sweepFrom, "no sweep has passed a bucket that still holds a lease");
    scheduled += ids.size;
  }
  invariant(scheduled === table.live.size, "every live lease has exactly one expiry");
  for (const id of table.live.keys()) invariant(!hasEnded(table, id), "a live lease has no tombstone");
  invariant(table.tombstones.size <= TOMBSTONES_MAX, "tombstones are bounded");
  invariant(table.olderTombstones.size <= TOMBSTONES_MAX, "tombstones are bounded");
  invariant(table.live.size <= LEASES_MAX, "live leases are bounded");
}

function insert(table: LeaseTable, grant: LeaseGrant, epoch: number, now: number): Lease {
  const { id, endpointId, spent } = grant;
  const capAtMs = now + grant.capMs;
  const lease: Lease = {
    id,
    endpointId,
    epoch,
    grantedAtMs: now,
    spent,
    expiresAtMs: Math.min(now + grant.ttlMs, capAtMs),
    capAtMs,
    workerId: null,
    charged: null,
    aheadMs: grant.aheadMs ?? 0,
    prompt: grant.prompt ?? null,
    begun: false,
  };
  table.live.set(id, lease);
  addTo(table.byEndpoint, endpointId, id);
  joinLine(table, lease);
  schedule(table, lease);
  return lease;
}

function schedule(table: LeaseTable, lease: Lease): void {
  const bucket = Math.floor(lease.expiresAtMs / BUCKET_MS);
  addTo(table.buckets, bucket, lease.id);
  if (bucket < table.sweepFrom) table.sweepFrom = bucket;
}

function reschedule(table: LeaseTable, lease: Lease, expiresAtMs: number): void {
  removeFrom(table.buckets, Math.floor(lease.expiresAtMs / BUCKET_MS), lease.id);
  lease.expiresAtMs = expiresAtMs;
  schedule(table, lease);
}

function remove(table: LeaseTable, lease: Lease): void {
  table.live.delete(lease.id);
  removeFrom(table.byEndpoint, lease.endpointId, lease.id);
  leaveLine(table, lease);
  addPrompt(table, lease, -1);
  leaveWorker(table, lease);
  removeFrom(table.buckets, Math.floor(lease.expiresAtMs / BUCKET_MS), lease.id);
}

function joinLine(table: LeaseTable, lease: Lease): void {
  if (lease.prompt === null) return;
  addPrompt(table, lease, 1);
  if (!lease.begun) addTo(table.unread, lease.endpointId, lease);
}

/** Its prompt, which never changes, comes into the sum once and leaves it once, as the lease its set. */
function addPrompt({ promptSums, byEndpoint }: LeaseTable, { endpointId, prompt }: Lease, times: 1 | -1): void {
  if (prompt === null) return;
  const sum = (promptSums.get(endpointId) ?? 0) + times * prompt.tokens;
  if (byEndpoint.has(endpointId)) promptSums.set(endpointId, sum);
  else promptSums.delete(endpointId);
}

function leaveLine(table: LeaseTable, lease: Lease): void {
  if (lease.prompt !== null && !lease.begun) removeFrom(table.unread, lease.endpointId, lease);
}

function leaveWorker(table: LeaseTable, { id, endpointId, workerId }: Lease): void {
  if (workerId !== null) removeFrom(table.byWorker, workerKey(endpointId, workerId), id);
}

/** A space stands in no endpoint's id. */
const workerKey = (endpointId: string, workerId: string): string => `${endpointId} ${workerId}`;

/** Has this id been settled, or expired, as far as the shard remembers. */
export function hasEnded(table: LeaseTable, id: string): boolean {
  return table.tombstones.has(id) || table.olderTombstones.has(id);
}

function bury(table: LeaseTable, id: string, now: number): void {
  if (now - table.tombstonesSinceMs >= TOMBSTONE_MS || table.tombstones.size >= TOMBSTONES_MAX) {
    table.olderTombstones = table.tombstones;
    table.tombstones = new Set();
    table.tombstonesSinceMs = now;
  }
  table.tombstones.add(id);
}
