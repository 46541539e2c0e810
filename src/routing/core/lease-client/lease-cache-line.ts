/**
 * Decides what an isolate tells a shard of the prompts that run under its leases: that their first tokens have come.
 *
 * Model. A shard that wants to know says in its grant how long the news may wait for a ride (`begunWithinMs`). Nobody waits
 * for it: another message takes it along, or it goes by itself when its time is over, with all that came meanwhile. A
 * lease that was given without its owner's knowledge is confirmed with what runs under it, and that it has begun.
 * Rejected: a message for each first token, which adds one to every request.
 */
import type { Begun, Grant, LeaseConfirmation } from "../shard-messages.ts";

/** What a held lease knows of its prompt. */
export type HeldPrompt = {
  /** Tokens of its prompt, and those that the endpoint is expected to read. */
  readonly promptTokens: number;
  readonly work: number;
  /** It was granted before its request was known. */
  readonly isCredit: boolean;
  /** Its shard has been told what runs under it. */
  isConfirmed: boolean;
  /** When its request was sent; null: not yet. */
  sentAtMs: number | null;
  /** When its first token came; null: not yet. */
  begunAtMs: number | null;
};

type Held = HeldPrompt & { readonly leaseId: string; readonly shard: string; readonly grant: Grant };

/** News of a first token that has yet to be told. */
type BegunNote = Omit<Begun, "agoMs"> & { readonly atMs: number };

/** By shard. */
export type BegunNotes = Map<string, BegunNote[]>;

type Notes = { readonly begun: BegunNotes; readonly heldLeases: ReadonlyMap<string, unknown> };

/**
 * Prompts of so many tokens ask the shard and spend no credit: a credit's endpoint was chosen without them, and what one
 * adds to its line costs the next request more than the question costs this one.
 */
export const ASK_TOKENS = 512;

type Special = {
  readonly inputTokens: number;
  readonly affinityKey?: { readonly goesOn?: boolean } | null;
  readonly isAdapter?: boolean;
  readonly excluded: readonly string[];
  readonly again?: boolean;
  readonly explain: boolean;
};

/** A retry and an explained decision are the authority's; a credit was chosen for what is short and needs no adapter. */
export const fitsCredit = (request: Special): boolean =>
  request.inputTokens < ASK_TOKENS &&
  request.affinityKey?.goesOn !== true &&
  request.isAdapter !== true &&
  request.excluded.length === 0 &&
  request.again !== true &&
  !request.explain;

/** First tokens that wait to be told to one shard; without the oldest its line goes on by itself. */
export const BEGUN_MAX = 2_048;
/** … and in one message. */
export const BEGUN_REPORT_MAX = 256;

/** What is held under a grant, for a prompt of `promptTokens`. */
export function heldBy(grant: Grant, promptTokens: number) {
  const prompt: HeldPrompt = { ...NOTHING_YET, promptTokens, work: grant.work ?? promptTokens, isCredit: false };
  const { leaseId, workerId = null, cachedTokens = 0 } = grant;
  return { leaseId, grant, workerId, cachedTokens, ...prompt };
}

/** The prompt under a credit: of a short one nobody knows what is cached. */
export function promptOnCredit(promptTokens: number): HeldPrompt {
  return { ...NOTHING_YET, promptTokens, work: promptTokens, isCredit: true };
}

const NOTHING_YET = { isConfirmed: false, sentAtMs: null, begunAtMs: null };

/** The request goes to its endpoint now. */
export function noteSent(held: HeldPrompt, now: number): void {
  held.sentAtMs = now;
}

/** Its first token is here. How long the news may wait, ms; null: nobody wants it. */
export function noteBegun({ begun, heldLeases }: Notes, held: Held, now: number): number | null {
  if (held.begunAtMs !== null || !heldLeases.has(held.leaseId)) return null;
  held.begunAtMs = now;
  const { begunWithinMs } = held.grant;
  // Of a credit its shard knows no prompt, unless the lease was confirmed since.
  if (begunWithinMs === undefined || (held.isCredit && !held.isConfirmed)) return null;
  tellBegun(begun, held);
  return begunWithinMs;
}

/** The news of its first token is to be told, for the first time or again. */
export function tellBegun(notes: BegunNotes, held: Held): void {
  const { leaseId, shard, grant, begunAtMs } = held;
  if (begunAtMs === null) return;
  const ofShard = notes.get(shard) ?? [];
  if (ofShard.length >= BEGUN_MAX) ofShard.shift();
  ofShard.push({ leaseId, endpointId: grant.endpointId, atMs: begunAtMs, backMs: backMs(held) });
  notes.set(shard, ofShard);
}

/** Takes the news for `shard`: at most BEGUN_REPORT_MAX. */
export function takeBegun(notes: BegunNotes, shard: string, now: number): readonly Begun[] {
  const taken = notes.get(shard)?.splice(0, BEGUN_REPORT_MAX) ?? [];
  return taken.map(({ atMs, ...note }) => ({ ...note, agoMs: now - atMs }));
}

/** What a confirmation says of the prompt under a lease; nothing where there is none to read. */
export function promptNews(held: Held, now: number): Partial<LeaseConfirmation> {
  const { promptTokens: prompt, work, begunAtMs, sentAtMs } = held;
  if (prompt === 0) return {};
  held.isConfirmed = true;
  const back = backMs(held);
  return { prompt, work, begun: begunAtMs !== null, sinceMs: now - (sentAtMs ?? now) - back, backMs: back };
}

/** Half of what the shard expects of the round trip. */
const backMs = ({ grant }: Held): number => (grant.netMs ?? 0) / 2;
