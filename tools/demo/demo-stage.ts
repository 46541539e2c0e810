/**
 * What every act of the show works with: the fleet, what was seen so far, the table of requests, and checks.
 *
 * A check prints its line at once and is remembered when it fails, so that the show goes on and the end can name it.
 * Rejected: acts that throw, of which only the first would be told.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { EndpointView } from "../../src/routing/core/endpoint/endpoint-view.ts";
import { greatCircleKm } from "../../src/routing/core/cost/geography.ts";
import type { Place } from "../../src/routing/core/cost/geography.ts";
import { type Answer, chat, type Wish } from "./demo-client.ts";
import { ENDPOINTS, type Fleet, type Role, ROLES } from "./demo-fleet.ts";
import type { Column, Print } from "./demo-print.ts";

/** For what a fresh process needs a moment for, ms. */
export const SETTLE_MS_MAX = 10_000;
const LOOK_EVERY_MS = 20;

/** Tokens of a short answer: about 0.2 s. */
export const SHORT_TOKENS = 16;

export type City = { readonly name: string; readonly place: Place };

export const NEW_YORK: City = { name: "New York", place: { lat: 40.7, lon: -74.0 } };
export const LONDON: City = { name: "London", place: { lat: 51.5, lon: -0.1 } };
export const TOKYO: City = { name: "Tokyo", place: { lat: 35.7, lon: 139.7 } };

export type Stage = {
  readonly fleet: Fleet;
  readonly print: Print;
  /** Every answer so far that has a line of its own. */
  readonly answers: (Answer & { readonly from: City })[];
  readonly failures: string[];
};

export const REQUEST_COLUMNS: readonly Column[] = [
  { title: "from", width: 8 },
  { title: "went to", width: 13 },
  { title: "distance", width: -9 },
  { title: "why", width: 12 },
  { title: "tries", width: -5 },
  { title: "router", width: -6 },
  { title: "total", width: -7 },
  { title: "", width: 1 },
];

/** Sends one, and gives it a line in the table of requests. */
export async function request(stage: Stage, from: City, wish: Omit<Wish, "place">): Promise<Answer> {
  const answer = await chat(stage.fleet.client, { ...wish, place: from.place });
  note(stage, from, answer);
  return answer;
}

export function note({ print, answers }: Stage, from: City, answer: Answer): void {
  answers.push({ ...answer, from });
  const { status, endpointId, reason, attempts, overheadMs, totalMs, ttftMs, tokens, errorCode } = answer;
  const target = Object.values(ENDPOINTS).find(({ id }) => id === endpointId);
  const km = target === undefined ? null : greatCircleKm(from.place, target.place);
  print.row(REQUEST_COLUMNS, [
    from.name,
    endpointId ?? "-",
    km === null ? "-" : `${Math.round(km).toLocaleString("en")} km`,
    reason ?? "-",
    String(attempts ?? "-"),
    overheadMs === null ? "-" : ms(overheadMs),
    ms(totalMs),
    status === 200 ? "" : `status ${status} ${errorCode ?? ""}`,
  ]);
  if (ttftMs !== null) print.note(`          streamed: first token after ${ms(ttftMs)}, ${tokens} tokens`);
}

export function check({ print, failures }: Pick<Stage, "print" | "failures">, ok: boolean, text: string): void {
  print.verdict(ok, text);
  if (!ok) failures.push(text);
}

/** Requests for work that the endpoints have counted; one that does not answer tells nothing. */
export async function requestsSeen({ fleet }: Stage): Promise<number> {
  const all = await Promise.allSettled(ROLES.map(async (role) => fleet.stats(role)));
  return all.reduce((sum, look) => sum + (look.status === "fulfilled" ? look.value.requests : 0), 0);
}

export const viewOf = (views: readonly EndpointView[], role: Role): EndpointView | undefined =>
  views.find(({ id }) => id === ENDPOINTS[role].id);

export const ms = (value: number): string => `${Math.round(value)} ms`;

export const seconds = (value: number): string => `${(value / 1000).toFixed(1)} s`;

/** Looks until `done`, at most for `limitMs`: for states that no event announces. */
export async function until<Seen>(
  look: () => Promise<Seen>,
  done: (seen: Seen) => boolean,
  limitMs: number,
): Promise<{ readonly ok: boolean; readonly seen: Seen }> {
  const giveUpAtMs = performance.now() + limitMs;
  for (;;) {
    const seen = await look();
    const ok = done(seen);
    if (ok || performance.now() >= giveUpAtMs) return { ok, seen };
    await sleep(LOOK_EVERY_MS);
  }
}
