import { effect } from "@preact/signals";
import { expect, test } from "vitest";
import { ANY_DECISION, DECISIONS_MAX, matchesDecision, withDecisions } from "../../dashboard/store/decision-list.ts";
import { createPageStore } from "../../dashboard/store/page-store.ts";
import { isFrame } from "../../dashboard/frame.ts";
import { sampleEndpoint, sampleFrame, sampleRecord } from "./sample-frames.ts";

const records = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => sampleRecord({ id: `r${from + at}` }));
const ids = (list: readonly { readonly id: string }[]) => list.map(({ id }) => id);

test("a frame of which one endpoint changed draws one row", () => {
  const store = createPageStore();
  const fleet = Array.from({ length: 200 }, (_, at) => sampleEndpoint({ id: `gpu-${at}` }));
  store.take(sampleFrame({}, fleet));
  let drawn = 0;
  const ends = fleet.map(({ id }) =>
    effect(() => {
      drawn += store.endpoint(`chat/${id}`)?.value.inFlight === undefined ? 0 : 1;
    }),
  );
  expect(drawn).toBe(200);
  store.take(sampleFrame({ atMs: 11_000 }, fleet));
  expect(drawn).toBe(200);
  const keys = store.endpointKeys.value;
  store.take(
    sampleFrame(
      { atMs: 12_000 },
      fleet.map((one, at) => (at === 7 ? { ...one, inFlight: 8 } : one)),
    ),
  );
  expect(drawn).toBe(201);
  expect(store.endpointKeys.value).toBe(keys);
  for (const end of ends) end();
});

test("while paused nothing moves, and on going on nothing is lost", () => {
  const store = createPageStore();
  store.take(sampleFrame({ decisions: records(0, 2) }));
  store.setPaused(true);
  store.take(sampleFrame({ atMs: 11_000, decisions: records(2, 2) }, [sampleEndpoint({ inFlight: 5 })]));
  store.take(sampleFrame({ atMs: 12_000, decisions: records(4, 1) }, [sampleEndpoint({ inFlight: 6 })]));
  expect(ids(store.decisions.value)).toEqual(["r1", "r0"]);
  expect(store.endpoint("chat/gpu-1")?.value.inFlight).toBe(3);
  expect(store.waiting.value).toBe(3);
  store.setPaused(false);
  expect(ids(store.decisions.value)).toEqual(["r4", "r3", "r2", "r1", "r0"]);
  expect(store.endpoint("chat/gpu-1")?.value.inFlight).toBe(6);
  expect([store.waiting.value, store.frame.value?.atMs]).toEqual([0, 12_000]);
});

test("an endpoint that turns down is news, and figures are none", () => {
  const store = createPageStore();
  store.take(sampleFrame());
  store.take(sampleFrame({}, [sampleEndpoint({ inFlight: 7 })]));
  expect(store.news.value).toBe("");
  store.take(sampleFrame({}, [sampleEndpoint({ standing: "down" })]));
  expect(store.news.value).toBe("gpu-1 is down");
});

test("decisions are kept newest first, each once, and no more than the bound", () => {
  const kept = withDecisions([], records(0, DECISIONS_MAX));
  expect(kept).toHaveLength(DECISIONS_MAX);
  expect(kept[0]?.id).toBe(`r${DECISIONS_MAX - 1}`);
  const more = withDecisions(kept, [...records(DECISIONS_MAX - 1, 1), ...records(DECISIONS_MAX, 1)]);
  expect(more).toHaveLength(DECISIONS_MAX);
  expect(ids(more.slice(0, 2))).toEqual([`r${DECISIONS_MAX}`, `r${DECISIONS_MAX - 1}`]);
  expect(more.at(-1)?.id).toBe("r1");
  expect(withDecisions(more, more.slice(0, 3))).toBe(more);
});

test("a filter finds by outcome, pool, tenant, text, and any endpoint that was tried", () => {
  const failed = sampleRecord({
    outcome: "upstream_failed",
    reason: "upstream_error",
    endpoint: null,
    attempts: [
      {
        endpoint: "gpu-9",
        region: "eu-west",
        why: "nearest_warm",
        sentMs: 1,
        firstByteMs: null,
        endedMs: 5,
        status: 500,
        lost: "server_error",
        hedge: false,
        said: "CUDA out of memory",
      },
    ],
  });
  const finds = (filter: Partial<typeof ANY_DECISION>) =>
    [sampleRecord(), failed].map((record) => matchesDecision(record, { ...ANY_DECISION, ...filter }));
  expect(finds({})).toEqual([true, true]);
  expect(finds({ outcome: "served" })).toEqual([true, false]);
  expect(finds({ outcome: "failed" })).toEqual([false, true]);
  expect(finds({ endpoint: "gpu-9" })).toEqual([false, true]);
  expect(finds({ pool: "other" })).toEqual([false, false]);
  expect(finds({ tenant: "acme" })).toEqual([true, true]);
  expect(finds({ text: " cuda OUT " })).toEqual([false, true]);
  expect(finds({ text: "upstream failed" })).toEqual([false, true]);
  // As it is shown, and as it is copied out of a log.
  expect(finds({ text: "upstream_failed" })).toEqual([false, true]);
  expect(matchesDecision(sampleRecord({ id: "req_1a2b" }), { ...ANY_DECISION, text: "req_1A2b" })).toBe(true);
});

test("an answer of something else, or of another version, is no frame", () => {
  expect(isFrame(JSON.parse(JSON.stringify(sampleFrame())))).toBe(true);
  for (const value of [
    null,
    1,
    "x",
    {},
    { ...sampleFrame(), v: 2 },
    { ...sampleFrame(), fleet: null },
    { error: {} },
  ]) {
    expect(isFrame(value)).toBe(false);
  }
});

test("a request of the page's own is no decision, paused or not", () => {
  const store = createPageStore();
  const own = sampleRecord({ id: "own", route: "/dashboard", outcome: "refused", endpoint: null });
  store.take(sampleFrame({ decisions: [own, sampleRecord({ id: "r1" })] }));
  expect(ids(store.decisions.value)).toEqual(["r1"]);
  store.setPaused(true);
  store.take(sampleFrame({ atMs: 11_000, decisions: [{ ...own, id: "own-2" }] }));
  expect(store.waiting.value).toBe(0);
});
