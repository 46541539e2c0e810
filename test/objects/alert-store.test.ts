import { env } from "cloudflare:workers";
import { reset, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import type { Alert, AlertEvent } from "../../src/sight/core/alerts.ts";
import { ALERT_EVENTS_MAX, ALERT_MESSAGES_MAX, AlertStore } from "../../src/sight/object/alert-store.ts";
import type { FleetFeed } from "../../src/sight/object/fleet-feed.ts";

const { FLEET_FEED } = env as unknown as { readonly FLEET_FEED: DurableObjectNamespace<FleetFeed> };
const feed = () => FLEET_FEED.getByName("feed");

afterEach(reset);

const ALERT: Alert = { kind: "queue_old", subject: "llama", sinceMs: 1, raisedAtMs: 2, toldAtMs: 2, reminders: 0 };
const event = (at: number): AlertEvent => ({
  id: `alert.queue_old.llama.${at}.raised`,
  phase: "raised",
  kind: "queue_old",
  subject: "llama",
  sinceMs: at,
  atMs: at,
  value: 1,
  limit: 1,
  text: "A job has waited.",
});

/** In the object, whose tables are there once it was called. */
async function inStore<Value>(use: (open: () => AlertStore) => Value): Promise<Value> {
  await feed().totals();
  return runInDurableObject(feed(), (_, { storage }) => use(() => new AlertStore(storage)));
}

test("what was told is there after a restart, and what was about to be is not", async () => {
  const loaded = await inStore((open) => {
    const about = { ...ALERT, subject: "other", raisedAtMs: null, toldAtMs: null };
    open().keep(
      new Map([
        ["a", ALERT],
        ["b", about],
      ]),
      [event(1)],
      ({ text }) => text,
      5,
    );
    return {
      alerts: [...open().load()],
      due: open()
        .due(5, 9)
        .map(({ body }) => body),
      next: open().nextMs(),
    };
  });
  expect(loaded).toEqual({ alerts: [["a", ALERT]], due: ["A job has waited."], next: 5 });
});

test("of messages and events so many are kept and no more, the newest", async () => {
  const found = await inStore((open) => {
    const events = Array.from({ length: ALERT_MESSAGES_MAX + 1 }, (_, at) => event(at));
    open().keep(new Map(), events, ({ id }) => id, 5);
    const due = open()
      .due(5, ALERT_MESSAGES_MAX + 9)
      .map(({ body }) => body);
    return { due, events: open().events() };
  });
  expect(found.due).toHaveLength(ALERT_MESSAGES_MAX);
  expect(found.due[0]).toBe(event(1).id);
  expect(found.events).toHaveLength(ALERT_EVENTS_MAX);
  expect(found.events.at(-1)).toEqual(event(ALERT_MESSAGES_MAX));
});

test("a message that was delivered goes, one that was not comes again when it is due", async () => {
  const due = await inStore((open) => {
    open().keep(new Map(), [event(1), event(2)], ({ id }) => id, 5);
    const [one, other] = open().due(5, 9);
    if (one === undefined || other === undefined) throw new Error("two were kept");
    open().save({ ...one, delivery: { ...one.delivery, state: "delivered", nextAtMs: null } });
    open().save({ ...other, delivery: { ...other.delivery, failures: 1, nextAtMs: 50 } });
    return [
      open().due(49, 9).length,
      open()
        .due(50, 9)
        .map(({ delivery }) => delivery.failures),
    ];
  });
  expect(due).toEqual([0, [1]]);
});
