/** Which requests end endpoints, and who is told; and that nobody else is taken for one. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRng } from "../../../../src/lib/rng.ts";
import { absorbDigest, createShard, makeDigest } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { leaveNews } from "../../../../src/routing/core/shard/shard-leave.ts";
import { takeNews } from "../../../../src/routing/core/shard/shard-news.ts";
import { applyProbe } from "../../../../src/routing/core/shard/shard-observe.ts";
import { pardon, suspectsOf } from "../../../../src/routing/core/shard/shard-poison.ts";
import { applyReport } from "../../../../src/routing/core/shard/shard-settle.ts";
import {
  CLEARED_LIFE_MS,
  clearSuspect,
  CONFIRM_MS,
  confirmDeath,
  createPoisonBook,
  DEATH_REQUESTS_MAX,
  hearSuspects,
  KILL_LIFE_MS,
  KILLS_KEPT,
  KILLS_MIN,
  noteAlive,
  noteBroken,
  POISON_MS,
  poisonNews,
  shownSuspects,
  SUSPECTS_MAX,
  tellSuspects,
  TOGETHER_MS,
  TOLD_MAX,
} from "../../../../src/routing/core/shard/poison.ts";
import type { PoisonBook } from "../../../../src/routing/core/shard/poison.ts";
import { endpointSpec, EU, poolSpec, settlement } from "./shard-fixture.ts";

/** Apart enough that each is a death of its own. */
const LATER = 10_000;
const POOL_SIZE = 3;

/** Ends an endpoint under these requests. */
function kill(book: PoisonBook, endpointId: string, requests: readonly string[], now: number): void {
  noteAlive(book, endpointId, now);
  for (const request of requests) noteBroken(book, endpointId, request, now);
  confirmDeath(book, endpointId, now + 100);
}

const shown = (book: PoisonBook, now: number, pool = POOL_SIZE) => shownSuspects(book, pool, now);
const refused = (book: PoisonBook, now: number, pool = POOL_SIZE): string[] =>
  shown(book, now, pool).flatMap(({ request, refusedForMs }) => (refusedForMs > 0 ? [request] : []));

function killed(times: number, endpoints: readonly string[] = ["a", "b", "c"]): PoisonBook {
  const book = createPoisonBook(1);
  for (let time = 0; time < times; time++)
    kill(book, endpoints[time % endpoints.length] ?? "", ["poison"], time * LATER);
  return book;
}

describe("a request under which endpoints end", () => {
  test("is refused from the KILLS_MINth kill on, and not one sooner", () => {
    expect(refused(killed(KILLS_MIN - 1), KILLS_MIN * LATER)).toEqual([]);
    const now = (KILLS_MIN - 1) * LATER;
    expect(shown(killed(KILLS_MIN), now)).toEqual([
      { request: "poison", kills: KILLS_MIN, endpoints: ["a", "b", "c"], lastKillAgoMs: 0, refusedForMs: POISON_MS },
    ]);
  });

  test("is not for what one endpoint does alone, unless it is the pool's only one", () => {
    const book = killed(5, ["a"]);
    expect(refused(book, 5 * LATER)).toEqual([]);
    expect(refused(book, 5 * LATER, 1)).toEqual(["poison"]);
  });

  test("is tried again after POISON_MS, and one more kill refuses it anew", () => {
    const book = killed(KILLS_MIN);
    const lastMs = (KILLS_MIN - 1) * LATER;
    expect(refused(book, lastMs + POISON_MS - 1)).toEqual(["poison"]);
    expect(refused(book, lastMs + POISON_MS)).toEqual([]);
    kill(book, "a", ["poison"], lastMs + POISON_MS);
    expect(refused(book, lastMs + POISON_MS)).toEqual(["poison"]);
  });

  test("is forgotten when its kills are older than KILL_LIFE_MS", () => {
    const book = killed(KILLS_MIN);
    const lastMs = (KILLS_MIN - 1) * LATER;
    expect(shown(book, lastMs + KILL_LIFE_MS - 1)).toHaveLength(1);
    expect(shown(book, lastMs + KILL_LIFE_MS)).toEqual([]);
    tellSuspects(book, lastMs + KILL_LIFE_MS);
    expect(book.suspects.size).toBe(0);
  });

  test.each([
    ["is served anywhere", true],
    ["is served before the death is confirmed", false],
  ])("is cleared of all before when it %s", (_, isConfirmed) => {
    const book = killed(KILLS_MIN - 1);
    const now = KILLS_MIN * LATER;
    noteBroken(book, "c", "poison", now);
    if (isConfirmed) confirmDeath(book, "c", now);
    clearSuspect(book, "poison", now + 1);
    confirmDeath(book, "c", now + 2);
    expect(shown(book, now + 2)).toEqual([]);
  });
});

describe("what is no kill", () => {
  test("a connection that breaks at an endpoint that a probe finds well", () => {
    const book = createPoisonBook(1);
    noteBroken(book, "a", "x", 0);
    noteAlive(book, "a", 0);
    expect(confirmDeath(book, "a", 1_000)).toEqual([]);
  });

  test("unless that probe was sent before: then it is open", () => {
    const book = createPoisonBook(1);
    noteBroken(book, "a", "x", 1);
    noteAlive(book, "a", 0);
    expect(confirmDeath(book, "a", 1_000)).toEqual(["x"]);
  });

  test("a break that is confirmed later than CONFIRM_MS", () => {
    const book = createPoisonBook(1);
    noteBroken(book, "a", "x", 0);
    expect(confirmDeath(book, "a", CONFIRM_MS + 1)).toEqual([]);
    noteBroken(book, "b", "x", 0);
    expect(confirmDeath(book, "b", CONFIRM_MS)).toEqual(["x"]);
  });

  test("what breaks later than TOGETHER_MS after the first, at an endpoint that is gone", () => {
    const book = createPoisonBook(1);
    kill(book, "a", ["x"], 0);
    expect(noteBroken(book, "a", "y", TOGETHER_MS)).toBe(true);
    expect(noteBroken(book, "a", "z", TOGETHER_MS + 1)).toBe(false);
  });

  test("the same request again in one death", () => {
    const book = createPoisonBook(1);
    kill(book, "a", ["x", "x"], 0);
    expect(noteBroken(book, "a", "x", 1)).toBe(false);
    expect(shown(book, 1)[0]?.kills).toBe(1);
  });
});

test("who is among the requests of one death is not among those of all: only what was in each is refused", () => {
  const book = createPoisonBook(1);
  for (const [time, endpoint] of ["a", "b", "c"].entries())
    kill(book, endpoint, ["poison", `innocent ${time}`, `another ${time}`], time * LATER);
  expect(refused(book, 3 * LATER)).toEqual(["poison"]);
});

describe("bounds", () => {
  test("DEATH_REQUESTS_MAX requests of a death are suspects, and not one more", () => {
    const book = createPoisonBook(1);
    kill(
      book,
      "a",
      Array.from({ length: DEATH_REQUESTS_MAX + 1 }, (_, index) => `r${index}`),
      0,
    );
    expect(book.deaths.get("a")?.requests.size).toBe(DEATH_REQUESTS_MAX);
  });

  test("SUSPECTS_MAX are remembered, and the one killed longest ago goes for the next", () => {
    const book = createPoisonBook(1);
    for (let time = 0; time < SUSPECTS_MAX; time++) kill(book, "a", [`r${time}`], time * LATER);
    expect([book.suspects.size, book.suspects.has("r0")]).toEqual([SUSPECTS_MAX, true]);
    kill(book, "a", ["one more"], SUSPECTS_MAX * LATER);
    expect([book.suspects.size, book.suspects.has("r0"), book.suspects.has("r1")]).toEqual([SUSPECTS_MAX, false, true]);
  });

  test("KILLS_KEPT of each are kept, the last", () => {
    expect(killed(KILLS_KEPT + 2).suspects.get("poison")?.kills).toHaveLength(KILLS_KEPT);
  });

  test("TOLD_MAX are told at once, those that are refused first", () => {
    const book = createPoisonBook(1);
    for (const [time, endpoint] of ["a", "b", "c"].entries()) kill(book, endpoint, ["poison"], time * LATER);
    for (let time = 3; time < TOLD_MAX + 5; time++) kill(book, "a", [`r${time}`], time * LATER);
    const now = (TOLD_MAX + 5) * LATER;
    const news = poisonNews(book, POOL_SIZE, now);
    expect([news.length, news[0]?.request]).toEqual([TOLD_MAX, "poison"]);
    expect(tellSuspects(book, now)).toHaveLength(TOLD_MAX);
    const peer = createPoisonBook(2);
    const told = Array.from({ length: TOLD_MAX + 1 }, (_, index) => ({
      request: `p${index}`,
      kills: [{ endpointId: "a", death: "1.1", agoMs: 0 }],
      servedAgoMs: null,
    }));
    expect(hearSuspects(peer, told, now)).toHaveLength(TOLD_MAX);
  });

  test("that a request was served is remembered for CLEARED_LIFE_MS where nothing is held against it", () => {
    const book = createPoisonBook(1);
    clearSuspect(book, "x", 0);
    tellSuspects(book, CLEARED_LIFE_MS);
    expect(book.suspects.size).toBe(1);
    tellSuspects(book, CLEARED_LIFE_MS + 1);
    expect(book.suspects.size).toBe(0);
  });
});

test("shards that tell each other know the same, however often and in whatever order they hear it", () => {
  const step = fc.record({
    at: fc.constantFrom(0, 1, 2),
    act: fc.constantFrom("kill", "tell", "tell"),
    request: fc.constantFrom("x", "y"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const books = [createPoisonBook(1), createPoisonBook(1), createPoisonBook(1)] as const;
      const kills = new Map<string, number>();
      let now = 0;
      const tell = (from: PoisonBook): void => {
        for (const to of books) if (to !== from) hearSuspects(to, tellSuspects(from, now), now);
      };
      for (const { at, act, request } of steps) {
        now += LATER;
        const book = books[at] ?? books[0];
        if (act === "tell") tell(book);
        else {
          kill(book, `e${at}`, [request], now);
          kills.set(request, Math.min(KILLS_KEPT, (kills.get(request) ?? 0) + 1));
        }
      }
      for (const book of books) tell(book);
      for (const book of books) tell(book);
      for (const [request, count] of kills)
        expect(books.map(({ suspects }) => suspects.get(request)?.kills.length)).toEqual([count, count, count]);
    }),
    { numRuns: 200 },
  );
});

describe("the shards of a pool", () => {
  const pool = poolSpec([
    endpointSpec({ id: "a" }),
    endpointSpec({ id: "b" }),
    endpointSpec({ id: "c", region: "eu", place: EU }),
  ]);
  const rng = seededRng(1);
  let count = 0;

  /** An attempt breaks, and the next probe finds its endpoint gone; it is mended before. */
  function die(state: ShardState, endpointId: string, now: number, suspect = "poison"): void {
    applyProbe(state, endpointId, { kind: "ready", warmWorkers: 1 }, now - 1_000, rng);
    const leaseId = `i-${(count += 1)}`;
    const settled = [
      settlement({ leaseId, endpointId, outcome: "failed", failure: { status: null, text: "" }, suspect }),
    ];
    applyReport(state, { settled, held: [] }, now, rng);
    applyProbe(state, endpointId, { kind: "failed" }, now + 100, rng);
  }

  function two(): readonly [ShardState, ShardState] {
    return [createShard(pool, "us", 1, 0), createShard(pool, "eu", 1, 0)];
  }

  test("refuse together what each has seen a part of, tell isolates with every answer, and operators once", () => {
    const [us, eu] = two();
    die(us, "a", LATER);
    die(us, "b", 2 * LATER);
    takeNews(us.news);
    const now = 3 * LATER;
    expect(leaveNews(us, now).poison).toEqual([{ request: "poison", forMs: 0 }]);
    absorbDigest(eu, makeDigest(us, now), now);
    die(eu, "c", now);
    expect(leaveNews(eu, now + 100).poison).toEqual([{ request: "poison", forMs: POISON_MS - 100 }]);
    expect(eu.digestSentMs, "peers are to hear at once").toBe(Number.NEGATIVE_INFINITY);
    expect(takeNews(eu.news).filter(({ event }) => event === "request_refused")).toEqual([
      {
        event: "request_refused",
        endpointId: "c",
        request: "poison",
        kills: 3,
        endpoints: ["a", "b", "c"],
        refusedForMs: POISON_MS - 100,
      },
    ]);
    const digest = makeDigest(eu, now + 100);
    absorbDigest(us, digest, now + 100);
    absorbDigest(us, digest, now + 100);
    expect(takeNews(us.news).filter(({ event }) => event === "request_refused")).toHaveLength(1);
    expect(leaveNews(us, now + 100).poison?.[0]?.forMs).toBe(POISON_MS - 100);
  });

  test.each([
    ["was answered with an error", { outcome: "failed", failure: { status: 500, text: "" } }],
    ["was refused", { outcome: "capacity" }],
    ["was left by its client", { outcome: "cancelled" }],
  ] as const)("hold nothing against a request that %s", (_, changes) => {
    const [us] = two();
    applyReport(us, { settled: [settlement({ endpointId: "a", suspect: "x", ...changes })], held: [] }, 0, rng);
    applyProbe(us, "a", { kind: "failed" }, 100, rng);
    expect(suspectsOf(us, 100)).toEqual([]);
  });

  test("clear a request that was served by any of their endpoints, and count from none again", () => {
    const [us] = two();
    die(us, "a", LATER);
    die(us, "b", 2 * LATER);
    applyReport(us, { settled: [settlement({ endpointId: "b", suspect: "poison" })], held: [] }, 3 * LATER, rng);
    expect(suspectsOf(us, 3 * LATER)).toEqual([]);
    die(us, "a", 4 * LATER);
    expect(suspectsOf(us, 4 * LATER + 100)).toMatchObject([{ kills: 1, refusedForMs: 0 }]);
  });

  test("take an operator's word for one request or for all, and pass it on", () => {
    const [us, eu] = two();
    for (const [time, suspect] of ["x", "y"].entries()) die(us, "a", (time + 1) * LATER, suspect);
    const now = 3 * LATER;
    absorbDigest(eu, makeDigest(us, now), now);
    expect([pardon(us, "z", now), pardon(us, "x", now)]).toEqual([0, 1]);
    absorbDigest(eu, makeDigest(us, now + 1), now + 1);
    expect([us, eu].map((state) => suspectsOf(state, now + 1).map(({ request }) => request))).toEqual([["y"], ["y"]]);
    expect(pardon(eu, null, now + 2)).toBe(1);
    expect(suspectsOf(eu, now + 2)).toEqual([]);
  });

  test("hear nothing of it from a shard of an older version, and go on", () => {
    const [us, eu] = two();
    const { poison: _poison, ...older } = makeDigest(us, 0);
    absorbDigest(eu, older, 0);
    expect(leaveNews(eu, 0)).toEqual({});
  });
});
