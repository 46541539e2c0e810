/** The line for a slot of `concurrency`: where a request stands, when it is told that its turn comes, and when it does. */
import { expect, test } from "vitest";
import { ask, createLedger, report, turns } from "../../../src/tenants/core/ledger.ts";
import type { Ledger } from "../../../src/tenants/core/ledger.ts";
import type { Ask, AskReply, Granted } from "../../../src/tenants/core/ledger-messages.ts";
import { createLine } from "../../../src/tenants/core/line.ts";

const NOON = Date.UTC(2026, 10, 30, 12);
/** How long a slot is held: as long as a line takes it for, before it has seen any. */
const HELD_MS = createLine().heldMs;
const SLOTS = 2;
const BOUNDS = { tenant: { concurrency: SLOTS }, key: {} };
const ASK = { isolate: "i", tokens: 0, micros: 0, wants: 1, holdMs: 600_000, queueMax: 100, queueWaitMs: 60_000 };

/** A tenant of two slots, each held for HELD_MS; the first ends one step before the second. */
class Street {
  now = NOON;
  readonly ledger: Ledger = createLedger(NOON);
  /** When each was served, from the start on. */
  readonly servedAtMs = new Map<string, number>();
  readonly #running: { readonly id: string; readonly key: string; readonly reply: Granted }[] = [];
  #seq = 0;

  constructor() {
    this.come("run1");
    this.now += HELD_MS / SLOTS;
    this.come("run2");
  }

  come(id: string, more: Partial<Ask> = {}): AskReply {
    const asked: Ask = { ...ASK, id, key: "k", bounds: BOUNDS, ...more };
    const reply = ask(this.ledger, asked, this.now);
    if (reply.kind === "granted") this.#serve(id, asked.key, reply);
    return reply;
  }

  #serve(id: string, key: string, reply: Granted): void {
    this.servedAtMs.set(id, this.now - NOON);
    this.#running.push({ id, key, reply });
  }

  /** Until the slot that has been held for longest is free; who is next has it at once. */
  step(keys: Readonly<Record<string, string>> = {}, heldMs = HELD_MS): void {
    const first = this.#running.shift();
    if (first === undefined) throw new Error("nothing runs");
    const { id, key, reply } = first;
    this.now = NOON + (this.servedAtMs.get(id) ?? 0) + HELD_MS;
    const unused = { requests: 0, tokens: 0 };
    const reserved = { requests: 1, tokens: 0, micros: 0 };
    const close = { id, key, atMs: reply.atMs, reserved, unused, heldMs };
    this.#seq += 1;
    report(
      this.ledger,
      { isolate: "i", from: this.#seq, entries: [{ seq: this.#seq, closes: [close], dropped: [], usage: [] }] },
      this.now,
    );
    for (const turn of turns(this.ledger, this.now))
      if (turn.reply.kind === "granted") this.#serve(turn.id, keys[turn.id] ?? "k", turn.reply);
  }
}

test("who waits is told its place and when its turn comes, and it comes then", () => {
  const street = new Street();
  const names = ["a", "b", "c", "d"];
  const told = names.map((id) => street.come(id));
  const step = HELD_MS / SLOTS;
  expect(told).toEqual(names.map((_, at) => ({ kind: "queued", position: at + 1, etaMs: (at + 1) * step })));
  const askedAtMs = street.now - NOON;
  for (const _ of names) street.step();
  expect(names.map((id) => (street.servedAtMs.get(id) ?? 0) - askedAtMs)).toEqual([1, 2, 3, 4].map((at) => at * step));
});

test("a line that is full takes one less than one more, which is told how many wait, and is served when it comes again then", () => {
  const street = new Street();
  const queueMax = 3;
  for (const id of ["a", "b", "c"]) expect(street.come(id, { queueMax })).toMatchObject({ kind: "queued" });
  const refused = street.come("late", { queueMax });
  const retryAfterMs = (4 * HELD_MS) / SLOTS;
  expect(refused).toMatchObject({ kind: "refused", limit: "concurrency", whose: "tenant", waiting: 3, retryAfterMs });
  // One ms before it was told to, it would stand in vain.
  const againAtMs = street.now + retryAfterMs;
  for (let steps = 0; steps < 3; steps += 1) street.step();
  street.now = againAtMs - 1;
  expect(street.come("early", { queueMax: 0 })).toMatchObject({ kind: "refused", retryAfterMs: HELD_MS / SLOTS });
  street.step();
  expect(street.now).toBe(againAtMs);
  expect(street.come("again", { queueMax: 0 })).toMatchObject({ kind: "granted" });
});

test("who may not wait for as long as it takes does not stand in line at all", () => {
  const etaMs = HELD_MS / SLOTS;
  const street = new Street();
  expect(street.come("short", { queueWaitMs: etaMs - 1 })).toMatchObject({ kind: "refused", retryAfterMs: etaMs });
  expect(street.come("long", { queueWaitMs: etaMs })).toEqual({ kind: "queued", position: 1, etaMs });
});

test("who has waited for as long as it may is told when to come again, and no sooner", () => {
  const street = new Street();
  street.come("a", { queueWaitMs: 1_000 });
  street.come("b");
  expect(turns(street.ledger, street.now + 999)).toEqual([]);
  const late = turns(street.ledger, street.now + 1_000);
  // Behind the one that still waits.
  expect(late).toEqual([
    { id: "a", reply: expect.objectContaining({ kind: "refused", retryAfterMs: (2 * HELD_MS) / SLOTS }) },
  ]);
  street.step();
  expect([street.servedAtMs.has("a"), street.servedAtMs.has("b")]).toEqual([false, true]);
});

test("a key's flood is behind another key's first, and the places say so", () => {
  const street = new Street();
  const keys = { f1: "flood", f2: "flood", f3: "flood", one: "calm" };
  const places = Object.entries(keys).map(([id, key]) => street.come(id, { key }));
  expect(places.map((place) => place.kind === "queued" && place.position)).toEqual([1, 2, 3, 2]);
  for (const _ of places) street.step(keys);
  expect([...street.servedAtMs.keys()].slice(2)).toEqual(["f1", "one", "f2", "f3"]);
});

test("who waits for a slot of its key's own is told of those of that key alone", () => {
  const street = new Street();
  const bounds = { tenant: {}, key: { concurrency: 1 } };
  const keys = ["a", "b", "c", "d", "e", "f"];
  const first = keys.map((key) => street.come(`${key}1`, { key, bounds }));
  expect(first.map(({ kind }) => kind)).toEqual(keys.map(() => "granted"));
  const second = keys.map((key) => street.come(`${key}2`, { key, bounds }));
  expect(second).toEqual(keys.map(() => ({ kind: "queued", position: 1, etaMs: HELD_MS })));
});

test("of a key's slots and its tenant's, the later turn is told", () => {
  const street = new Street();
  const bounds = { tenant: { concurrency: SLOTS }, key: { concurrency: 1 } };
  const told = ["x1", "x2", "x3"].map((id) => street.come(id, { key: "x", bounds }));
  expect(told).toEqual([1, 2, 3].map((at) => ({ kind: "queued", position: at, etaMs: at * HELD_MS })));
});

test("slots that are held for longer than before make the time longer that is told", () => {
  const street = new Street();
  const etaOf = (id: string): number => {
    const found = street.come(id);
    return found.kind === "queued" ? found.etaMs : 0;
  };
  const before = etaOf("a");
  street.step({}, 11 * HELD_MS);
  // A tenth of what is new is believed at a time.
  expect(etaOf("b")).toBe(2 * before);
});
