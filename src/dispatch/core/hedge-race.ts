/**
 * Decides which of two attempts of one request answers, and what becomes of the other.
 *
 * Model. A closed state machine without time. The first attempt runs from the start. When it is late a lease for a
 * second one may be asked for, once, and only before any first byte; the first byte wins, and from then on nothing is
 * dispatched and the other attempt is cancelled, once. An attempt that fails while the other runs says nothing to the
 * client: the other one is waited for. Every attempt that was dispatched ends in exactly one of won, lost and
 * cancelled. The shell performs what is returned; the simulator runs the same machine.
 * Source: docs/explanation/routing.md (first byte wins, the loser is aborted and settled). Rejected: racing two promises, where
 * the loser's late answer has to be recognised in several places.
 */
import { invariant } from "../../lib/invariant.ts";

export type Side = "first" | "second";

/** `asked`: its lease is on the way. */
type Leg = "none" | "asked" | "running" | "won" | "lost" | "cancelled";

/** Written in place. */
export type HedgeRace = { first: Leg; second: Leg };

export function createRace(): HedgeRace {
  return { first: "running", second: "none" };
}

/** The first attempt is late. True, once: ask for a second lease. */
export function raceLate(race: HedgeRace): boolean {
  if (race.first !== "running" || race.second !== "none") return false;
  race.second = "asked";
  return true;
}

/** What came of asking. `return`: the lease goes home unused, because the request has been answered. */
export function raceLeased(race: HedgeRace, isGranted: boolean): "dispatch" | "return" | "none" {
  invariant(race.second === "asked", "a second lease comes only when it was asked for");
  const goesOn = isGranted && race.first !== "won";
  race.second = goesOn ? "running" : "none";
  if (goesOn) return "dispatch";
  return isGranted ? "return" : "none";
}

/** The first byte of `side` is here. `cancels`: abort that one and settle it as cancelled. */
export function raceBegun(race: HedgeRace, side: Side): { readonly wins: boolean; readonly cancels: Side | null } {
  const other = side === "first" ? "second" : "first";
  // It was cancelled while its first byte was on the way.
  if (race[side] !== "running") return { wins: false, cancels: null };
  race[side] = "won";
  if (race[other] !== "running") return { wins: true, cancels: null };
  race[other] = "cancelled";
  return { wins: true, cancels: other };
}

/** `side` failed before its first byte; one that was cancelled stays so. */
export function raceLost(race: HedgeRace, side: Side): void {
  if (race[side] === "running") race[side] = "lost";
}
