/**
 * The line of a tenant's requests for a slot of its `concurrency`: bounded, and fair among its keys.
 *
 * Model. A lane a key, in turns: one of each key, the first of its lane. So who has a hundred in line delays who has one by
 * one. The place in line counts those who come before by turns; when it comes is that place, times how long a slot is held,
 * by the slots, of the key and of the tenant. Rejected: one line for all, in which a key's flood stands before everybody.
 */
import type { Ask } from "./ledger-messages.ts";

type Waiter = { readonly asked: Ask; readonly untilMs: number };

/** Written in place. */
export type Line = {
  /** By id. */
  readonly waiting: Map<string, Waiter>;
  /** Keys with somebody in line, whose turn it is first. */
  readonly lanes: Map<string, string[]>;
  /** How long a slot is held, ms: a mean of the recent. */
  heldMs: number;
};

/** Before anything was seen: an answer of a few hundred tokens. */
const HELD_MS_PRIOR = 2_000;
const HELD_WEIGHT = 0.1;

export const createLine = (): Line => ({ waiting: new Map(), lanes: new Map(), heldMs: HELD_MS_PRIOR });

export function noteHeld(line: Line, heldMs: number): void {
  line.heldMs += (heldMs - line.heldMs) * HELD_WEIGHT;
}

/**
 * Where it stands, or would stand, and when its turn comes: behind its key's own for a slot of the key, behind everybody's
 * by turns for one of the tenant, and the later of both where it needs both.
 */
export function placeOf(
  { lanes, heldMs }: Line,
  { key, bounds }: Ask,
): { readonly position: number; readonly etaMs: number } {
  const own = (lanes.get(key)?.length ?? 0) + 1;
  let shared = own;
  for (const [other, lane] of lanes) if (other !== key) shared += Math.min(lane.length, own);
  const perSlot = (place: number, slots = Number.POSITIVE_INFINITY): number => place / Math.max(1, slots);
  const held = Math.max(perSlot(own, bounds.key.concurrency), perSlot(shared, bounds.tenant.concurrency));
  const position = bounds.tenant.concurrency === undefined ? own : shared;
  return { position, etaMs: Math.max(1, Math.ceil(held * heldMs)) };
}

export function enter(line: Line, asked: Ask, now: number): void {
  if (line.waiting.has(asked.id)) return;
  line.waiting.set(asked.id, { asked, untilMs: now + asked.queueWaitMs });
  const lane = line.lanes.get(asked.key);
  if (lane === undefined) line.lanes.set(asked.key, [asked.id]);
  else lane.push(asked.id);
}

/** Takes out who has waited for as long as it may. */
export function leaveLate(line: Line, now: number): readonly Ask[] {
  const late = [...line.waiting.values()].filter(({ untilMs }) => untilMs <= now).map(({ asked }) => asked);
  for (const asked of late) leave(line, asked);
  return late;
}

/** When the next one has waited for long enough; Infinity: nobody waits. */
export const nextLateMs = ({ waiting }: Line): number =>
  [...waiting.values()].reduce((soonest, { untilMs }) => Math.min(soonest, untilMs), Number.POSITIVE_INFINITY);

/** It waits no more. */
export function quit(line: Line, id: string): void {
  const waiter = line.waiting.get(id);
  if (waiter !== undefined) leave(line, waiter.asked);
}

function leave(line: Line, { id, key }: Ask): void {
  line.waiting.delete(id);
  const lane = line.lanes.get(key)?.filter((other) => other !== id) ?? [];
  if (lane.length === 0) line.lanes.delete(key);
  else line.lanes.set(key, lane);
}

/** Serves lanes in turns until `serve` has no slot for any of them (null). */
export function takeTurns<Answer>(
  line: Line,
  serve: (asked: Ask) => Answer | null,
): readonly { readonly asked: Ask; readonly answer: Answer }[] {
  const served: { asked: Ask; answer: Answer }[] = [];
  for (let isAnyServed = true; isAnyServed;) {
    isAnyServed = false;
    for (const key of Array.from(line.lanes.keys())) {
      const asked = line.waiting.get(line.lanes.get(key)?.[0] ?? "")?.asked;
      const answer = asked === undefined ? null : serve(asked);
      if (asked === undefined || answer === null) continue;
      leave(line, asked);
      // Its next turn comes after everybody else's.
      const rest = line.lanes.get(key);
      if (rest !== undefined) {
        line.lanes.delete(key);
        line.lanes.set(key, rest);
      }
      served.push({ asked, answer });
      isAnyServed = true;
    }
  }
  return served;
}
