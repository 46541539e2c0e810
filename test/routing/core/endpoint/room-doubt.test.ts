import { describe, expect, test } from "vitest";
import { CUT_MS } from "../../../../src/routing/core/endpoint/capacity-cut.ts";
import { endpointView, noteGranted } from "../../../../src/routing/core/endpoint/endpoint.ts";
import {
  acceptedBeside,
  NO_EVIDENCE,
  refusedBeside,
  REFUSALS_BELIEVED,
  ROW_GAP_MS,
  SHOWN_MS,
} from "../../../../src/routing/core/endpoint/room-doubt.ts";
import type { RoomEvidence } from "../../../../src/routing/core/endpoint/room-doubt.ts";
import { endpointState, observeAttempt, settlement, US } from "../shard/shard-fixture.ts";

type Step = { readonly request: string; readonly inFlight?: number; readonly askedMs?: number; readonly atMs?: number };

/** The wait that each refusal is believed with, and what is known after the last. */
function refuse(known: RoomEvidence, steps: readonly Step[]) {
  let evidence = known;
  const waits = steps.map(({ request, inFlight = 0, askedMs = 0, atMs = 0 }) => {
    const refused = refusedBeside(evidence, { request, inFlight, askedMs }, atMs);
    evidence = refused.evidence;
    return refused.waitMs;
  });
  return { waits, evidence };
}

const same = (count: number): Step[] => Array.from({ length: count }, () => ({ request: "a", askedMs: 60_000 }));

describe("a refusal that may be the request's own", () => {
  test("is not believed before another request is refused too, and then both waits count", () => {
    const { waits } = refuse(NO_EVIDENCE, [
      { request: "a", askedMs: 5_000 },
      { request: "b", askedMs: 1_000, atMs: 100 },
    ]);
    expect(waits).toEqual([null, 4_900]);
  });

  test("is believed of one request REFUSALS_BELIEVED times in a row and not one sooner, but not how long it asks", () => {
    const { waits } = refuse(NO_EVIDENCE, same(REFUSALS_BELIEVED));
    expect(waits.slice(0, -1).every((wait) => wait === null)).toBe(true);
    expect(waits.at(-1)).toBe(0);
  });

  test.each([
    { name: "just before ROW_GAP_MS", gapMs: ROW_GAP_MS - 1, believed: true },
    { name: "at ROW_GAP_MS", gapMs: ROW_GAP_MS, believed: false },
  ])("is one row with another one $name: $believed", ({ gapMs, believed }) => {
    const { waits } = refuse(NO_EVIDENCE, [{ request: "a" }, { request: "b", atMs: gapMs }]);
    expect(waits[1] !== null).toBe(believed);
  });

  test("begins a new row once an attempt beside as many others was accepted, and not beside fewer", () => {
    const { evidence } = refuse(NO_EVIDENCE, [{ request: "a", inFlight: 4 }]);
    const later = { request: "b", inFlight: 4, atMs: SHOWN_MS + 10 };
    expect(refuse(acceptedBeside(evidence, 4, 5), [later]).waits).toEqual([null]);
    expect(refuse(acceptedBeside(evidence, 3, 5), [later]).waits).toEqual([0]);
  });

  test("is contradicted for SHOWN_MS by whatever was accepted beside as many, and no longer", () => {
    const shown = acceptedBeside(NO_EVIDENCE, 4, 0);
    const both = (inFlight: number, atMs: number) =>
      refuse(shown, [
        { request: "a", inFlight, atMs },
        { request: "b", inFlight, atMs },
      ]).waits[1];
    expect([both(4, SHOWN_MS - 1), both(5, SHOWN_MS - 1), both(4, SHOWN_MS)]).toEqual([null, 0, 0]);
  });

  test("is no more contradicted by what was accepted long before it ended", () => {
    expect(acceptedBeside(acceptedBeside(NO_EVIDENCE, 2, 5_000), 9, 100).shownSlots).toBe(3);
  });
});

describe("an endpoint", () => {
  const refused = (request: string | null, retryAfterMs: number | null = 60_000) =>
    settlement({ outcome: "capacity", inFlightAtGrant: 0, retryAfterMs, request });

  test("keeps its slots when one request is refused, however often it is sent, and is asked by the next one at once", () => {
    const state = endpointState();
    for (let sent = 1; sent < REFUSALS_BELIEVED; sent++) observeAttempt(state, refused("poison"), sent);
    expect(endpointView(state, 0, 10)).toMatchObject({ capacity: 4, refusesForMs: 0 });
  });

  test("keeps none for as long as it asks when two requests are refused, or one that another endpoint serves", () => {
    const two = endpointState();
    observeAttempt(two, refused("one"), 0);
    observeAttempt(two, refused("another"), 0);
    const proven = endpointState();
    observeAttempt(proven, refused(null), 0);
    for (const state of [two, proven]) {
      expect(endpointView(state, 0, 10)).toMatchObject({ capacity: 0, refusesForMs: 59_990 });
    }
  });

  test("is on trial again at once when the trial was refused for what may be the request's own fault", () => {
    const state = endpointState();
    observeAttempt(state, refused(null, null), 0);
    noteGranted(state, { client: US, clientKey: "here" }, 0, CUT_MS);
    observeAttempt(state, refused("poison", null), CUT_MS + 5);
    expect(endpointView(state, 0, CUT_MS + 5)).toMatchObject({ capacity: 1, refusesForMs: 0 });
  });

  test("that kept slots has them still when a trial is served", () => {
    const state = endpointState();
    observeAttempt(state, { ...refused(null, null), inFlightAtGrant: 2 }, 0);
    noteGranted(state, { client: US, clientKey: "here" }, 2, CUT_MS);
    observeAttempt(state, settlement({ inFlightAtGrant: 2, heldMs: 5 }), CUT_MS + 5);
    expect(endpointView(state, 2, CUT_MS + 5).capacity).toBe(2);
  });
});
