import { env } from "cloudflare:workers";
import { reset, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Report } from "../../src/sight/core/report.ts";
import { SOURCE_LIFE_MS } from "../../src/sight/core/sources.ts";
import { keyOf } from "../../src/sight/core/tally.ts";
import type { FleetFeed } from "../../src/sight/object/fleet-feed.ts";
import { SAVE_GAP_MS } from "../../src/sight/object/counts.ts";
import { JOURNAL_ENTRY_CHARS_MAX, JOURNAL_ROWS_MAX } from "../../src/sight/object/counts-store.ts";

const { FLEET_FEED } = env as unknown as { readonly FLEET_FEED: DurableObjectNamespace<FleetFeed> };
const feed = () => FLEET_FEED.getByName("feed");

const KEY = keyOf("retries", "llama");

const report = (seq: number, count: number, wish: Partial<Report> = {}): Report => ({
  source: "isolate-a",
  seq,
  deltas: [[KEY, [count]]],
  records: [],
  ...wish,
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2050, 0, 1) });
});

afterEach(async () => {
  await reset();
  vi.useRealTimers();
});

/** So much later that what comes is written at once. */
async function send(...reports: readonly Report[]): Promise<void> {
  for (const one of reports) {
    vi.setSystemTime(Date.now() + SAVE_GAP_MS);
    await feed().report(one);
  }
}

async function sums(): Promise<Readonly<Record<string, number>>> {
  const { series } = await feed().totals();
  return Object.fromEntries(series.map(([key, values]) => [key, values?.[0] ?? 0]));
}

/** As an eviction would. */
async function restart(): Promise<void> {
  await feed()
    .restart()
    .then(
      () => undefined,
      () => undefined,
    );
}

const rowsIn = async (table: string): Promise<number> =>
  runInDurableObject(
    feed(),
    async (_, { storage }) => storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
  );

describe("the feed's sums", () => {
  test("what several sources report is added up", async () => {
    await send(report(1, 2), report(1, 3, { source: "isolate-b" }), report(2, 4));
    expect(await sums()).toMatchObject({ [KEY]: 9, reports: 3 });
    expect((await feed().totals()).sources).toBe(2);
  });

  test("a report that comes again counts once, also after a restart", async () => {
    await send(report(1, 2), report(1, 2));
    await restart();
    await send(report(1, 2), report(2, 5));
    expect(await sums()).toMatchObject({ [KEY]: 7, reports: 2, repeats: 2 });
  });

  test("reports that come while another one is being written are answered with it, and kept", async () => {
    await send(report(1, 1));
    await Promise.all(["b", "c", "d"].map(async (source) => feed().report(report(1, 1, { source }))));
    expect(await rowsIn("journal")).toBe(2);
    await restart();
    expect(await sums()).toMatchObject({ [KEY]: 4, reports: 4 });
  });

  test("numbers that are left out are reports that were given up", async () => {
    await send(report(1, 1), report(4, 1));
    expect(await sums()).toMatchObject({ lost: 2 });
  });

  test("the journal goes into the series once it is full, and nothing is lost or doubled by it", async () => {
    for (let seq = 1; seq <= JOURNAL_ROWS_MAX; seq++) await send(report(seq, 1));
    expect([await rowsIn("journal"), await rowsIn("total")]).toEqual([JOURNAL_ROWS_MAX, 0]);
    await send(report(JOURNAL_ROWS_MAX + 1, 1));
    expect(await rowsIn("journal")).toBe(0);
    await send(report(JOURNAL_ROWS_MAX + 2, 1));
    await restart();
    await send(report(JOURNAL_ROWS_MAX + 2, 1));
    expect(await sums()).toMatchObject({ [KEY]: JOURNAL_ROWS_MAX + 2, repeats: 1 });
  });

  test("an entry that is too long for a row goes into the series at once", async () => {
    const filler = keyOf("retries", "p".repeat(JOURNAL_ENTRY_CHARS_MAX));
    await send(report(1, 1, { deltas: [[filler, [3]]] }));
    expect(await rowsIn("journal")).toBe(0);
    await restart();
    expect(await sums()).toMatchObject({ [filler]: 3 });
  });

  test("a source that has been silent for a day is forgotten, and what it counted stays", async () => {
    await send(report(1, 2));
    vi.setSystemTime(Date.now() + SOURCE_LIFE_MS);
    await send(report(1, 3, { source: "isolate-b" }));
    expect((await feed().totals()).sources).toBe(1);
    await restart();
    expect((await feed().totals()).sources).toBe(1);
    expect(await sums()).toMatchObject({ [KEY]: 5 });
  });

  test("series of another version are left out and counted", async () => {
    const wide = [keyOf("firstToken", "p", "m", "chat", "eu"), [1, 2]] as const;
    await send(report(1, 0, { deltas: [["no_such_metric", [1]], wide, [KEY, [-1]]] }));
    expect(await sums()).toEqual({ refused: 3, reports: 1 });
  });
});
