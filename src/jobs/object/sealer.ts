/**
 * How a queue's private texts are stored: as they are, or sealed (`seal-aes.ts`). docs/decisions/0027 says why it is
 * here, behind every statement that writes or reads one, and why it is synchronous.
 *
 * Model. A sealed value is a BLOB where a plain one is TEXT, so a row says itself which it is, and rows from before the
 * key are read as ever. It is bound to its place, the names of the field and of the row: moved to another row, it does
 * not open.
 */
import { lockedError } from "../core/locked.ts";

/** What is stored of a text: TEXT or BLOB. */
export type Stored = string | ArrayBuffer;

/** Name of the field, then of the row; no two values of a queue have the same. */
export type Place = readonly [field: string, ...row: (string | number)[]];

export type Sealer = {
  /** Names of the keys that open, the one first that seals; empty: nothing is sealed. */
  readonly marks: readonly string[];
  seal(text: string, place: Place): Stored;
  /** Throws `isLocked` where the key is not there, and `BrokenSeal` where this was not sealed here. */
  open(stored: Stored, place: Place): string;
  sealBytes(bytes: Uint8Array, place: Place): Uint8Array;
  openBytes(sealed: Uint8Array, place: Place): Uint8Array;
  /** What stands for a text that is only compared, under each of the keys. */
  blinds(text: string): readonly string[];
};

/** Whoever wrote it did not have the key, or wrote it elsewhere. */
export class BrokenSeal extends Error {}

export const PLAIN: Sealer = {
  marks: [],
  seal: (text) => text,
  open(stored) {
    if (typeof stored === "string") return stored;
    throw noKey();
  },
  sealBytes: (bytes) => bytes,
  openBytes() {
    throw noKey();
  },
  blinds: (text) => [text],
};

const noKey = (): Error => lockedError("what is stored is encrypted, and jobs.encryption names no key");
