/** Who watches the feed, over evictions; and what is kept for charts. */
import { env } from "cloudflare:workers";
import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { FeedFrame } from "../../src/sight/core/frame.ts";
import type { RequestRecord } from "../../src/sight/core/record.ts";
import type { Report } from "../../src/sight/core/report.ts";
import { keyOf } from "../../src/sight/core/tally.ts";
import { WATCHER } from "../../src/sight/feed-port.ts";
import type { FleetFeed } from "../../src/sight/object/fleet-feed.ts";
import { HOURS_KEPT_MS, POINTS_MAX } from "../../src/sight/object/history.ts";
import { SHOWN_MAX } from "../../src/sight/object/picture.ts";
import { POLLED_MS, WATCHER_BYTES_MAX, WATCHER_SILENT_MS, WATCHERS_MAX } from "../../src/sight/object/watch-bounds.ts";
import { loadParts } from "./load-parts.ts";

const { FLEET_FEED } = env as unknown as { readonly FLEET_FEED: DurableObjectNamespace<FleetFeed> };
const feed = () => FLEET_FEED.getByName("feed");

type Frame = FeedFrame<RequestRecord>;

/** Of the fixture. */
const OPERATOR = { keyId: "ops", mark: "1".repeat(16), expiresAtMs: Date.UTC(2100, 0, 1), nonce: "n" };

const record = (id: string) => ({ id, outcome: "served" }) as unknown as RequestRecord;
const served = (count: number) =>
  [[keyOf("requests", "llama-test", "/v1/models", "served", ""), [count]]] as Report["deltas"];
const report = (seq: number, wish: Partial<Report> = {}): Report => ({
  source: "isolate-a",
  seq,
  deltas: served(1),
  records: [],
  ...wish,
});

beforeAll(loadParts);
beforeEach(() => {
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response(""));
});
afterEach(async () => {
  await reset();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function watching(claims: object = OPERATOR) {
  const headers = { upgrade: "websocket", [WATCHER]: JSON.stringify(claims) };
  const { webSocket } = await feed().fetch("https://feed/live", { headers });
  if (webSocket === null) throw new Error("no socket came");
  const frames: Frame[] = [];
  const closed: { code: number; reason: string }[] = [];
  webSocket.addEventListener("message", ({ data }) => {
    if (data !== "pong") frames.push(JSON.parse(String(data)) as Frame);
  });
  webSocket.addEventListener("close", ({ code, reason }) => void closed.push({ code, reason }));
  webSocket.accept();
  return { webSocket, frames, closed };
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await scheduler.wait(5);
}

const alarmOf = async (): Promise<number | null> =>
  runInDurableObject(feed(), async (_, { storage }) => storage.getAlarm());

describe("a socket", () => {
  test("outlives an eviction of the object, and the alarm goes on with its frames", async () => {
    // An object with a timer is not evicted: this one's second never comes.
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    await feed().report(report(1, { records: [record("before")] }));
    const { webSocket, frames } = await watching();
    await until(() => frames.length === 1);
    expect(await alarmOf()).not.toBe(null);
    await evictDurableObject(feed());
    expect(await runDurableObjectAlarm(feed())).toBe(true);
    await until(() => frames.length === 2);
    // It has lost its memory and not its sockets.
    expect(frames.map(({ decisions }) => decisions.length)).toEqual([1, 0]);
    expect(await feed().report(report(2))).toEqual({ watched: true });
    webSocket.close();
  });

  test("is what makes reports bring more; without one there is no alarm and no frame", async () => {
    expect(await feed().report(report(1))).toEqual({ watched: false });
    expect(await alarmOf()).toBe(null);
    const { webSocket, frames } = await watching();
    await until(() => frames.length >= 1);
    expect(await feed().report(report(2))).toEqual({ watched: true });
    webSocket.close();
    await until(async () => (await alarmOf()) === null);
    expect(await feed().report(report(3))).toEqual({ watched: false });
  });

  test.each([
    ["of a key that is no more", { ...OPERATOR, keyId: "gone" }],
    ["of a key that was made anew", { ...OPERATOR, mark: "2".repeat(16) }],
    ["of a key without the scope", { ...OPERATOR, keyId: "own", mark: "0".repeat(16) }],
    ["whose session is over", { ...OPERATOR, expiresAtMs: 1 }],
    ["of nobody", null],
  ])("%s is closed before it gets a frame", async (_, claims) => {
    const { closed, frames } = await watching(claims as object);
    await until(() => closed.length === 1);
    expect(closed[0]?.code).toBe(4401);
    expect(frames).toEqual([]);
  });
});

describe("who watches is held to bounds", () => {
  const NOW = Date.UTC(2050, 0, 1);
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  });

  /** The object looks once a second of its own; what it knows of time is ours. */
  const ticked = async (frames: readonly Frame[], count: number): Promise<void> => {
    const seen = frames.length;
    await until(() => frames.length >= seen + count);
  };

  test("a session is watched with until the instant at which it ends, and no longer", async () => {
    const { frames, closed } = await watching({ ...OPERATOR, expiresAtMs: NOW + 1_000 });
    await until(() => frames.length === 1);
    vi.setSystemTime(NOW + 999);
    await ticked(frames, 1);
    expect(closed).toEqual([]);
    vi.setSystemTime(NOW + 1_000);
    await until(() => closed.length === 1);
    expect(closed[0]).toEqual({ code: 4401, reason: "The session is over. Sign in again." });
  });

  test("who is silent for as long as the bound still gets frames, and is closed after it", async () => {
    const { frames, closed } = await watching();
    await until(() => frames.length === 1);
    vi.setSystemTime(NOW + WATCHER_SILENT_MS);
    await ticked(frames, 1);
    expect(closed).toEqual([]);
    vi.setSystemTime(NOW + WATCHER_SILENT_MS + 1);
    await until(() => closed.length === 1);
    expect(closed[0]).toMatchObject({ code: 4408, reason: expect.stringContaining("ping") });
  });

  test("who asked for a snapshot watches for as long as the bound, and not at its end", async () => {
    expect(await feed().report(report(1))).toEqual({ watched: false });
    await feed().snapshot();
    vi.setSystemTime(NOW + POLLED_MS - 1);
    expect(await feed().report(report(2))).toEqual({ watched: true });
    vi.setSystemTime(NOW + POLLED_MS);
    expect(await feed().report(report(3))).toEqual({ watched: false });
  });

  test("as many watch as the bound, one more is told why not, and one that leaves makes room", async () => {
    const all = [];
    for (let count = 0; count < WATCHERS_MAX; count++) all.push(await watching());
    const late = await watching();
    await until(() => late.closed.length === 1);
    expect(late.closed[0]).toMatchObject({ code: 1013, reason: expect.stringContaining("WATCHERS_MAX") });
    expect(late.frames).toEqual([]);
    all[0]?.webSocket.close();
    await until(async () => {
      const again = await watching();
      await until(() => again.frames.length + again.closed.length > 0);
      return again.frames.length > 0;
    });
  });

  /** Decisions whose full frame is `length` characters: one text in them is as long as it takes. */
  async function pictureOf(length: number): Promise<void> {
    await feed().report({ ...report(1, { records: [record("")] }), deltas: [] });
    const plain = JSON.stringify(await feed().snapshot()).length;
    await feed().report({ ...report(2, { records: [record("x".repeat(length - plain))] }), deltas: [] });
    // The first one is a record as well: its characters are those of an empty id, and of a comma.
    const over = JSON.stringify(await feed().snapshot()).length - length;
    await reset();
    await feed().report({ ...report(1, { records: [record("")] }), deltas: [] });
    await feed().report({ ...report(2, { records: [record("x".repeat(length - plain - over))] }), deltas: [] });
    expect(JSON.stringify(await feed().snapshot())).toHaveLength(length);
  }

  test("a frame that fills the bound is sent, and nothing behind it", async () => {
    await pictureOf(WATCHER_BYTES_MAX);
    const { frames } = await watching();
    await until(() => frames.length === 1);
    expect(JSON.stringify(frames[0])).toHaveLength(WATCHER_BYTES_MAX);
    // Who comes later is sent its first frame by a later look, which left this one out.
    const late = await watching();
    await until(() => late.frames.length === 1);
    expect(frames).toHaveLength(1);
  });

  test("a frame of one character more is not sent", async () => {
    await pictureOf(WATCHER_BYTES_MAX + 1);
    const { frames } = await watching();
    expect(await runDurableObjectAlarm(feed())).toBe(true);
    expect(frames).toEqual([]);
  });
});

test("what does not fit before a ping is left out, and after it the page has all of it", async () => {
  const large = (name: string): RequestRecord => record(name + "x".repeat(2 * 1024 * 1024));
  const { webSocket, frames } = await watching();
  const has = (name: string) => (frame: Frame | undefined) => frame?.decisions.some(({ id }) => id.startsWith(name));
  await feed().report(report(1, { records: [large("first")] }));
  await until(() => frames.some(has("first")));
  // These take its place in the list, so that a whole frame fits again.
  const small = Array.from({ length: SHOWN_MAX }, (_, index) => record(`small-${index}`));
  await feed().report(report(2, { records: small }));
  await until(() => frames.some(has("small")));
  await feed().report(report(3, { records: [large("second")] }));
  const late = await watching();
  await until(() => late.frames.some(has("second")));
  expect(frames.some(has("second"))).toBe(false);
  webSocket.send("ping");
  await until(() => frames.some(has("second")));
  expect(frames.find(has("second"))?.decisions).toHaveLength(SHOWN_MAX);
});

test("decisions are remembered up to the bound, the newest, and told once to who watches", async () => {
  const ids = Array.from({ length: SHOWN_MAX + 1 }, (_, index) => `r${index}`);
  await feed().report(report(1, { records: ids.map(record) }));
  const { decisions } = await feed().snapshot();
  expect(decisions.map(({ id }) => id)).toEqual(ids.slice(-SHOWN_MAX));
  // It was told of, and comes again: its answer was lost.
  await feed().report(report(1, { records: [record("again")] }));
  expect((await feed().snapshot()).decisions.map(({ id }) => id)).not.toContain("again");
});

describe("the history", () => {
  const HOUR_MS = 3_600_000;
  const DAY_MS = 24 * HOUR_MS;
  const START = Date.UTC(2050, 0, 1);
  let seq = 0;
  const at = async (ms: number, count: number): Promise<void> => {
    vi.setSystemTime(START + ms);
    seq += 1;
    await feed().report(report(seq, { deltas: served(count) }));
  };
  const told = async (minutes: number, step: number | null = null) => feed().history({ minutes, step });
  beforeEach(() => {
    seq = 0;
    vi.useFakeTimers({ toFake: ["Date"], now: START });
  });

  test("has a point for each minute with reports, or for several together", async () => {
    await at(0, 1);
    await at(30_000, 2);
    await at(60_000, 4);
    await at(5 * 60_000, 8);
    const { stepMinutes, minutes } = await told(10);
    expect(stepMinutes).toBe(1);
    expect(minutes.map(({ atMs, requests }) => [atMs - START, requests])).toEqual([
      [0, 3],
      [60_000, 4],
      [300_000, 8],
    ]);
    expect((await told(10, 5)).minutes.map(({ requests }) => requests)).toEqual([7, 8]);
    expect((await told(1)).minutes.map(({ requests }) => requests)).toEqual([8]);
  });

  test("goes on in the minute that an earlier object has begun", async () => {
    await at(0, 3);
    await told(5);
    await evictDurableObject(feed());
    await at(20_000, 4);
    expect((await told(5)).minutes.map(({ requests }) => requests)).toEqual([7]);
  });

  test("keeps minutes for as long as the option says, then hours, and both not for ever", async () => {
    await at(0, 1);
    await at(7 * DAY_MS, 2);
    const week = 7 * 24 * 60;
    expect((await told(week)).minutes.map(({ requests }) => requests)).toEqual([2]);
    // Beyond the minutes there are hours.
    const hours = await told(week + 60, 60);
    expect(hours.stepMinutes).toBe(60);
    expect(hours.minutes.map(({ requests }) => requests)).toEqual([1, 2]);
    const rows = async (table: string) =>
      runInDurableObject(
        feed(),
        async (_, { storage }) =>
          storage.sql.exec<{ at_ms: number }>(`SELECT at_ms FROM ${table} ORDER BY at_ms`).toArray().length,
      );
    await at(7 * DAY_MS + 1, 1);
    expect(await rows("minute")).toBe(2);
    await at(7 * DAY_MS + 60_000, 1);
    expect(await rows("minute")).toBe(2);
    await at(HOURS_KEPT_MS + 60_000, 1);
    expect(await rows("hour")).toBe(2);
  });

  test("never has more points than the bound", async () => {
    vi.setSystemTime(START + DAY_MS);
    await at(DAY_MS, 1);
    expect((await told(POINTS_MAX)).stepMinutes).toBe(1);
    expect((await told(POINTS_MAX + 1)).stepMinutes).toBe(2);
  });
});
