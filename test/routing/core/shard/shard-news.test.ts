import { describe, expect, test } from "vitest";
import { EJECT_MS, FAILURES_MAX } from "../../../../src/routing/core/endpoint/breaker.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import {
  KINDS_MAX,
  LINE_EVERY_MS,
  LINES_MAX,
  noteFailure,
  takeNews,
} from "../../../../src/routing/core/shard/shard-news.ts";
import { applyDrain, applyProbe } from "../../../../src/routing/core/shard/shard-observe.ts";
import { applyReport, sweep } from "../../../../src/routing/core/shard/shard-settle.ts";
import type { Settlement } from "../../../../src/routing/core/shard-messages.ts";
import { poolSpec, settlement } from "./shard-fixture.ts";

const rng = () => 0;
const OOM = { status: 500, text: "CUDA out of memory" };
const shard = () => createShard(poolSpec(), "us", 1, 0);

let ids = 0;
function settle(state: ShardState, changes: Partial<Settlement>, now = 0): void {
  ids += 1;
  applyReport(state, { settled: [settlement({ leaseId: `x-${ids}`, ...changes })], held: [] }, now, rng);
}

describe("a failure", () => {
  test("is kept with what the endpoint said, and due as a line at once", () => {
    const state = shard();
    settle(state, { outcome: "failed", failure: OOM }, 5);
    const failure = { ...OOM, kind: "failed", atMs: 5, count: 1 };
    expect(state.news.lastFailures.get("e1")).toEqual(failure);
    expect(takeNews(state.news)).toEqual([{ event: "endpoint_failed", endpointId: "e1", failure, times: 1 }]);
    expect(takeNews(state.news)).toEqual([]);
  });

  test("of the same kind is a line again after LINE_EVERY_MS, with how many there were", () => {
    const state = shard();
    for (const now of [0, 1, LINE_EVERY_MS - 1]) noteFailure(state.news, "e1", "failed", OOM, now);
    expect(takeNews(state.news)).toHaveLength(1);
    noteFailure(state.news, "e1", "failed", OOM, LINE_EVERY_MS);
    expect(takeNews(state.news)).toMatchObject([{ times: 3 }]);
  });

  test("of another kind, with another status or of another endpoint is a line of its own", () => {
    const { news } = shard();
    noteFailure(news, "e1", "failed", OOM, 0);
    noteFailure(news, "e1", "cut", OOM, 0);
    noteFailure(news, "e1", "failed", { ...OOM, status: 502 }, 0);
    noteFailure(news, "e2", "failed", OOM, 0);
    noteFailure(news, "e2", "failed", null, 0);
    expect(takeNews(news)).toHaveLength(5);
  });

  test.each(["served", "cancelled", "client_fault", "unused"] as const)("is none when an attempt was %s", (outcome) => {
    const state = shard();
    settle(state, { outcome });
    expect(takeNews(state.news)).toEqual([]);
    expect(state.news.lastFailures.size).toBe(0);
  });

  test("of a probe is one as well", () => {
    const state = shard();
    applyProbe(state, "e1", { kind: "failed", failure: { status: 404, text: "" } }, 0, rng);
    expect(takeNews(state.news)).toMatchObject([{ failure: { kind: "probe", status: 404 } }]);
  });

  test("of KINDS_MAX kinds is remembered, and one more makes the oldest be told anew", () => {
    const { news } = shard();
    const told = (status: number) => {
      noteFailure(news, "e1", "failed", { status, text: "" }, 0);
      return takeNews(news).length;
    };
    for (let status = 0; status < KINDS_MAX; status++) told(status);
    expect(told(0)).toBe(0);
    expect(told(KINDS_MAX)).toBe(1);
    expect(news.kinds.size).toBe(KINDS_MAX);
    expect(told(1)).toBe(1);
  });
});

describe("a change of standing", () => {
  const standings = (state: ShardState) =>
    takeNews(state.news).flatMap((line) => (line.event === "endpoint_standing" ? [[line.from, line.to]] : []));

  test("is one line: ejected, and back, with what failed last", () => {
    const state = shard();
    for (let i = 0; i < FAILURES_MAX; i++) settle(state, { outcome: "failed", failure: OOM });
    const lines = takeNews(state.news);
    expect(lines.at(-1)).toMatchObject({ event: "endpoint_standing", from: "admitting", to: "ejected", failure: OOM });
    expect(lines).toHaveLength(2);
    sweep(state, EJECT_MS - 1, rng);
    expect(standings(state)).toEqual([]);
    sweep(state, EJECT_MS, rng);
    expect(standings(state)).toEqual([["ejected", "admitting"]]);
  });

  test("is told when probes fail, when they are well again, and when an operator speaks", () => {
    const state = shard();
    for (let i = 0; i < 2; i++) applyProbe(state, "e1", { kind: "failed" }, i, rng);
    applyProbe(state, "e1", { kind: "ready", warmWorkers: null }, 3, rng);
    applyDrain(state, "e1", true, 4, rng);
    applyDrain(state, "e1", false, 5, rng);
    expect(standings(state)).toEqual([
      ["admitting", "down"],
      ["down", "admitting"],
      ["admitting", "draining"],
      ["draining", "admitting"],
    ]);
  });
});

test("lines that nobody takes are bounded, and the last ones are kept", () => {
  const { news } = shard();
  for (let status = 0; status <= LINES_MAX; status++) noteFailure(news, "e1", "failed", { status, text: "" }, 0);
  expect(news.lines).toHaveLength(LINES_MAX);
  expect(news.lines.at(-1)).toMatchObject({ failure: { status: LINES_MAX } });
});
