import { expect, test } from "vitest";
import { seededRng } from "../../src/lib/rng.ts";
import { route } from "../../src/routing/core/cost/route.ts";
import { createLeaseCache, deposit } from "../../src/routing/core/lease-client/lease-cache.ts";
import { CANDIDATES_RECORDED_MAX, candidateRows, recordedCandidates } from "../../src/sight/candidate-rows.ts";
import { endpointView, grantOf, US } from "../routing/core/shard/shard-fixture.ts";

/** Endpoint `e<n>` is 10 n ms away, and the dearest comes first. */
function decided(count: number, endpointId: string) {
  const views = Array.from({ length: count }, (_, index) =>
    endpointView({ id: `e${index}`, roundTripMs: { here: 10 * index } }),
  ).toReversed();
  const request = { client: US, clientKey: "here", inputTokens: 0, excluded: [], exact: true };
  const { candidates } = route(views, request, seededRng(1));
  const heldLease = deposit(createLeaseCache("edge"), "key", "shard", grantOf("i-1", { endpointId }), 0, 0);
  return { heldLease, reason: "nearest_warm", candidates } as const;
}

const names = (rows: readonly { readonly endpoint: string }[]): readonly string[] =>
  rows.map(({ endpoint }) => endpoint);
const upTo = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `e${index}`);

test("as many as the bound are all recorded, and of one more the dearest is not", () => {
  const full = decided(CANDIDATES_RECORDED_MAX, "e0");
  expect(recordedCandidates(full)).toEqual(candidateRows(full));
  expect(names(recordedCandidates(full))).toEqual(upTo(CANDIDATES_RECORDED_MAX));
  const more = recordedCandidates(decided(CANDIDATES_RECORDED_MAX + 1, "e0"));
  expect(names(more)).toEqual(upTo(CANDIDATES_RECORDED_MAX));
});

test("the one that was chosen is recorded, however dear it was", () => {
  const last = `e${CANDIDATES_RECORDED_MAX + 3}`;
  const rows = recordedCandidates(decided(CANDIDATES_RECORDED_MAX + 4, last));
  expect(names(rows)).toEqual([...upTo(CANDIDATES_RECORDED_MAX - 1), last]);
  expect(rows.at(-1)?.why).toMatch(/^chosen/);
});

test("one that the candidates do not name adds nothing", () => {
  expect(names(recordedCandidates(decided(CANDIDATES_RECORDED_MAX + 1, "elsewhere")))).toEqual(
    upTo(CANDIDATES_RECORDED_MAX),
  );
});
