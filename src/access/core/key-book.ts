/**
 * Decides what an isolate may say of a registry's key by itself, and when it must ask.
 *
 * Model. Of each id it knows the record, or that there is none, and since when. Young enough: it is used. Older: it is
 * used and asked for beside the request. Too old: nobody passes before the answer. So a revocation holds everywhere
 * within `KEY_AGE_MS_MAX`, by age alone: nothing has to be pushed, and nothing that is lost can keep a key alive. The age
 * counts from when the question was sent.
 * When the registry does not answer, a key that was good goes on for `KEY_GRACE_MS`, because the registry is no part of
 * an inference; a key that this isolate does not know is neither good nor bad, and the client is told to come again.
 * Ids that nobody gave (`key-id.ts`) have a budget of looks, so that a flood of made-up keys costs the registry little.
 * Rejected: a generation pushed to every isolate (nobody knows them all); a look at each use (a round trip a request).
 */
import type { KeyRecord } from "./key-record.ts";

/** Younger than this a record is used without a question, ms. */
export const KEY_FRESH_MS = 15_000;
/** Older than this it is not used before the registry has spoken, ms: with the trip well within a minute. */
export const KEY_AGE_MS_MAX = 45_000;
/** While the registry is silent, what was good goes on for so long, ms: a restart and a bad quarter of an hour. */
export const KEY_GRACE_MS = 900_000;
/** A silent registry is asked again after so long, ms. */
export const KEY_RETRY_MS = 5_000;
/** That there is no such key is believed for so long, ms. */
export const KEY_ABSENT_MS = 5_000;
/** Ids that an isolate remembers, about 1 KB each. Beyond it the one that was used least recently goes. */
export const BOOK_KEYS_MAX = 4_096;
/** Looks for ids that nobody gave: so many at once, and so many a second after that. */
export const STRANGE_LOOKS_MAX = 20;
const STRANGE_LOOKS_PER_S = 5;
/** Ids that one question may name. */
export const LOOKUP_IDS_MAX = 100;

type Entry = {
  /** Null: there is none. */
  record: KeyRecord | null;
  /** When the question was sent that told it; -Infinity: never. */
  confirmedAtMs: number;
  /** Not before this instant is it asked again. */
  askAtMs: number;
  usedAtMs: number;
};

export type KeyBook = { readonly entries: Map<string, Entry>; looks: number; filledAtMs: number };

export const createKeyBook = (): KeyBook => ({ entries: new Map(), looks: STRANGE_LOOKS_MAX, filledAtMs: 0 });

export type KnownKey =
  /** `untilMs`: it may be used without looking here again until then. `due`: the registry is to be asked beside it. */
  | { readonly kind: "use"; readonly record: KeyRecord; readonly untilMs: number; readonly due: boolean }
  | { readonly kind: "absent" }
  | { readonly kind: "ask" }
  /** Nobody can say now. */
  | { readonly kind: "unknown"; readonly retryAfterMs: number };

/** `given`: is the id one that the deployment gave. */
export function lookInto(book: KeyBook, id: string, given: boolean, now: number): KnownKey {
  const entry = book.entries.get(id);
  if (entry === undefined) return given ? { kind: "ask" } : strange(book, now);
  // The order of a map is the order of insertion: what is used moves to the end.
  book.entries.delete(id);
  book.entries.set(id, entry);
  entry.usedAtMs = now;
  const ageMs = now - entry.confirmedAtMs;
  const mayAsk = now >= entry.askAtMs;
  if (entry.record === null) {
    if (!mayAsk) {
      return entry.confirmedAtMs === Number.NEGATIVE_INFINITY
        ? { kind: "unknown", retryAfterMs: entry.askAtMs - now }
        : { kind: "absent" };
    }
    return given ? { kind: "ask" } : strange(book, now);
  }
  const { record, confirmedAtMs } = entry;
  if (ageMs < KEY_FRESH_MS) return { kind: "use", record, untilMs: confirmedAtMs + KEY_FRESH_MS, due: false };
  if (ageMs < KEY_AGE_MS_MAX) {
    if (mayAsk) entry.askAtMs = now + KEY_RETRY_MS;
    return { kind: "use", record, untilMs: Math.min(now + 1_000, confirmedAtMs + KEY_AGE_MS_MAX), due: mayAsk };
  }
  if (mayAsk) return { kind: "ask" };
  return ageMs < KEY_GRACE_MS
    ? { kind: "use", record, untilMs: Math.min(entry.askAtMs, confirmedAtMs + KEY_GRACE_MS), due: false }
    : { kind: "unknown", retryAfterMs: entry.askAtMs - now };
}

/** The id that is asked for, and others in use that are due: one question for all of them. */
export function idsToAsk(book: KeyBook, id: string, now: number): readonly string[] {
  const ids = [id];
  for (const [other, { record, confirmedAtMs, usedAtMs }] of book.entries) {
    if (ids.length >= LOOKUP_IDS_MAX) break;
    const isUsed = record !== null && usedAtMs > now - KEY_AGE_MS_MAX;
    if (other !== id && isUsed && confirmedAtMs <= now - KEY_FRESH_MS / 2) ids.push(other);
  }
  return ids;
}

/** What the registry said to a question of `askedAtMs`. An older answer never takes the place of a newer one. */
export function noteAnswer(book: KeyBook, id: string, record: KeyRecord | null, askedAtMs: number): void {
  const before = book.entries.get(id);
  if (before !== undefined && before.confirmedAtMs > askedAtMs) return;
  const askAtMs = record === null ? askedAtMs + KEY_ABSENT_MS : askedAtMs;
  put(book, id, { record, confirmedAtMs: askedAtMs, askAtMs, usedAtMs: before?.usedAtMs ?? askedAtMs });
}

/** The registry did not answer. Who is not known is not asked for again at once either. */
export function noteSilence(book: KeyBook, id: string, now: number): void {
  const known = book.entries.get(id);
  const askAtMs = now + KEY_RETRY_MS;
  if (known !== undefined) known.askAtMs = askAtMs;
  else put(book, id, { record: null, confirmedAtMs: Number.NEGATIVE_INFINITY, askAtMs, usedAtMs: now });
}

function put(book: KeyBook, id: string, entry: Entry): void {
  book.entries.delete(id);
  book.entries.set(id, entry);
  for (const oldest of book.entries.keys()) {
    if (book.entries.size <= BOOK_KEYS_MAX) break;
    book.entries.delete(oldest);
  }
}

/**
 * May a secret that is none of the record's be one that was made since: is the registry to be asked before it is refused?
 * The looks are those for ids that nobody gave: wrong secrets cost the registry as little.
 */
export const mayBeNewer = (book: KeyBook, now: number): boolean => strange(book, now).kind === "ask";

function strange(book: KeyBook, now: number): KnownKey {
  const filled = book.looks + ((now - book.filledAtMs) / 1_000) * STRANGE_LOOKS_PER_S;
  book.looks = Math.min(STRANGE_LOOKS_MAX, filled);
  book.filledAtMs = now;
  if (book.looks < 1) return { kind: "unknown", retryAfterMs: 1_000 / STRANGE_LOOKS_PER_S };
  book.looks -= 1;
  return { kind: "ask" };
}
