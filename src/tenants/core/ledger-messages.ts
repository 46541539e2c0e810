/** What isolates and a tenant's ledger tell each other. Plain data: both may be of different versions. */
import type { Amount, LimitName, Limits } from "./amounts.ts";

/** Whose limit it is. */
export type Whose = "tenant" | "key";

export type Bounds = Readonly<Record<Whose, Limits>>;

/** An isolate asks to serve one request now, and to be lent what the next ones like it will need. */
export type Ask = {
  /** Made by the isolate: asked twice, it is granted once. */
  readonly id: string;
  readonly isolate: string;
  readonly key: string;
  readonly bounds: Bounds;
  /** The most that one request may come to. */
  readonly tokens: number;
  readonly micros: number;
  /** Requests that the isolate could spend within LOAN_MS, this one among them. */
  readonly wants: number;
  /** How long its reservation is kept where nobody settles it, ms. */
  readonly holdMs: number;
  /** How many may wait for a slot, and for how long; waits for none: 0. */
  readonly queueMax: number;
  readonly queueWaitMs: number;
};

/** Where the limits of a minute stand, for the client; absent: there is no such limit. */
export type Standing = {
  readonly requests?: StandingOf;
  readonly tokens?: StandingOf;
};

/** `resetMs`: until all of it is there again. */
export type StandingOf = { readonly limit: number; readonly left: number; readonly resetMs: number };

export type Granted = {
  readonly kind: "granted";
  /** In all, the one that was asked for among them. */
  readonly requests: number;
  readonly tokens: number;
  readonly micros: number;
  /** By the ledger's clock: names the charge, for whoever returns a part of it. */
  readonly atMs: number;
  /** For how long it may be spent, from its asking on; absent: LOAN_MS, as older objects have it. */
  readonly lifeMs?: number;
  readonly standing: Standing;
  /** Near a limit, or somebody waits: what is over is to be told at once. */
  readonly isTight: boolean;
};

export type AskReply =
  | Granted
  /** `askAgain`: waits in line; `position` from 1, by turns. */
  | { readonly kind: "queued"; readonly position: number; readonly etaMs: number }
  | Refused;

export type Refused = {
  readonly kind: "refused";
  readonly limit: LimitName;
  readonly whose: Whose;
  /** The limit's own value. */
  readonly most: number;
  /** True wait until this request could be admitted; null: never, it is more than the limit itself. */
  readonly retryAfterMs: number | null;
  /** Of a cap: it is not used up, but reserved by requests that run. */
  readonly isReserved?: boolean;
  /** How many wait already, where it is for a slot. */
  readonly waiting?: number;
  readonly standing: Standing;
};

/** A part of a grant that needs its reservation no more. */
export type Close = {
  readonly id: string;
  readonly key: string;
  /** Of the grant. */
  readonly atMs: number;
  /** What of the reservation ends. */
  readonly reserved: Amount;
  /** What of its charge was not used; tokens are below 0 where more was used than reserved. */
  readonly unused: { readonly requests: number; readonly tokens: number };
  /** How long its slot was held, ms; null: nothing ran. */
  readonly heldMs: number | null;
};

/** What was used, of one key, model and outcome. */
export type Usage = {
  readonly key: string;
  readonly model: string;
  readonly outcome: string;
  readonly requests: number;
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly micros: number;
  /** Requests of it whose tokens nobody told. */
  readonly estimated: number;
};

/** One report of an isolate; numbered from 1 without a gap, so that each counts once. */
export type Entry = {
  readonly seq: number;
  readonly closes: readonly Close[];
  /** Asks of which nothing is used: no answer came, or nobody waits for it. */
  readonly dropped: readonly string[];
  readonly usage: readonly Usage[];
};

/** How much of a cap of money is used. `key` null: the tenant's own. */
export type CapShare = {
  readonly key: string | null;
  readonly period: "day" | "month";
  /** 1: all of it. */
  readonly share: number;
};

/** `from`: the first entry that may not be kept yet; without entries it asks how far they are. */
export type EntryReport = { readonly isolate: string; readonly from: number; readonly entries: readonly Entry[] };

/** `heard`: the last entry that counts; `kept`: the last one that a restart does not lose. */
export type EntryReply = { readonly heard: number; readonly kept: number };
