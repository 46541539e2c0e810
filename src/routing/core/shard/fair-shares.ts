/**
 * Decides how much service a sender has had lately: of a tenant, and within it of a session.
 *
 * Model. Service is counted in tokens, those of the prompt once and those of the answer twice, because an engine spends
 * far longer on one that it writes. A request is charged when its lease is granted, with what it is expected to take,
 * so that a burst is not free until its first answer has ended; its end corrects the sum. Half of it is forgotten every
 * minute. Bounded: whoever was charged longest ago is forgotten first, and then counts as new.
 * Source: docs/reference/sources.md, Fairness (least attained service per agent session in llm-d: half-life 60 s, output twice;
 * the virtual token counter of Sheng et al., 2024). Rejected: requests counted instead of tokens, by which whoever
 * sends long prompts takes what others wait for; a rate limit, which refuses what nobody else wants.
 */
import { countAt, countMore } from "../../../lib/fading-count.ts";
import type { FadingCount } from "../../../lib/fading-count.ts";
import { remember } from "../../../lib/recent.ts";

/** Whose request it is, as keyed hashes: they tell nothing of the names. */
export type Sender = {
  readonly tenant: string;
  /** Absent: it names none; all such of a tenant are one session. */
  readonly session?: string;
};

/** Of requests whose Worker does not say; those of the job queue too, which asks before it knows which job will run. */
export const NO_SENDER: Sender = { tenant: "" };

/** Written in place. */
export type FairShares = {
  readonly tenants: Map<string, FadingCount>;
  readonly sessions: Map<string, FadingCount>;
  /** The line (class and tenant) that was charged last, and when any other one was. */
  last: { readonly line: string; readonly atMs: number } | null;
  otherAtMs: number;
};

export const HALF_LIFE_MS = 60_000;

const TAU_MS = HALF_LIFE_MS / Math.LN2;

/** An answer's token counts as so many of a prompt. */
export const OUTPUT_WEIGHT = 2;

/** Tokens of an answer whose length is not known. */
export const OUTPUT_TOKENS_PRIOR = 200;

/** Tenants remembered; a deployment has a few hundred. */
export const TENANTS_MAX = 1_024;

/** Sessions remembered of all tenants: at about 120 bytes each they take 1 MB of an isolate's 128. */
export const SESSIONS_MAX = 8_192;

export function createShares(): FairShares {
  return { tenants: new Map(), sessions: new Map(), last: null, otherAtMs: Number.NEGATIVE_INFINITY };
}

/** Tokens that a request is charged; an answer whose length is null is taken for a usual one. */
export function serviceOf(inputTokens: number, outputTokens: number | null): number {
  return inputTokens + OUTPUT_WEIGHT * (outputTokens ?? OUTPUT_TOKENS_PRIOR);
}

/** Charges a sender; fewer than none gives back. */
export function addService(shares: FairShares, sender: Sender, tokens: number, now: number): void {
  add(shares.tenants, sender.tenant, tokens, TENANTS_MAX, now);
  add(shares.sessions, sessionKey(sender), tokens, SESSIONS_MAX, now);
}

/** A lease was granted in this class: `severalLately` hears of it. */
export function noteLine(shares: FairShares, rank: number, { tenant }: Sender, now: number): void {
  const line = `${rank} ${tenant}`;
  const { last } = shares;
  if (last !== null && last.line !== line) shares.otherAtMs = last.atMs;
  shares.last = { line, atMs: now };
}

/** Have several tenants, or classes, had leases within the last half-life. */
export function severalLately({ otherAtMs }: FairShares, now: number): boolean {
  return now - otherAtMs < HALF_LIFE_MS;
}

export function tenantService({ tenants }: FairShares, { tenant }: Sender, now: number): number {
  return at(tenants, tenant, now);
}

export function sessionService({ sessions }: FairShares, sender: Sender, now: number): number {
  return at(sessions, sessionKey(sender), now);
}

/** Hashes have no space. */
export const sessionKey = ({ tenant, session = "" }: Sender): string => `${tenant} ${session}`;

function at(table: ReadonlyMap<string, FadingCount>, key: string, now: number): number {
  const known = table.get(key);
  return known === undefined ? 0 : countAt(known, TAU_MS, now);
}

function add(table: Map<string, FadingCount>, key: string, tokens: number, most: number, now: number): void {
  const known = table.get(key) ?? { count: 0, atMs: now };
  remember(table, key, countMore(known, tokens, TAU_MS, now), most);
}
