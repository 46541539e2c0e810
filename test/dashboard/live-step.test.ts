import fc from "fast-check";
import { expect, test } from "vitest";
import {
  IDLE,
  liveStep,
  OPEN_MS_MAX,
  PING_GAP_MS,
  POLL_GAP_MS,
  POLL_LOST_GAP_MS,
  RETRY_MS_MAX,
  RETRY_MS_MIN,
  SILENT_MS,
} from "../../dashboard/live/live-step.ts";
import type { LiveEffect, LiveEvent, LiveState } from "../../dashboard/live/live-step.ts";

/** Plays events at their times, and says what was done at the last of them. */
function play(events: readonly (readonly [atMs: number, event: LiveEvent])[], from: LiveState = IDLE) {
  let state = from;
  let effects: readonly LiveEffect[] = [];
  for (const [atMs, event] of events) ({ state, effects } = liveStep(state, event, atMs, 1));
  return { state, effects };
}

const start = [0, { kind: "start" }] as const;
const answered = [5, { kind: "polled", outcome: "ok" }] as const;
const opened = [10, { kind: "opened" }] as const;
const heard = [20, { kind: "heard" }] as const;
const ok = { kind: "polled", outcome: "ok" } as const;
const failed = { kind: "polled", outcome: "failed" } as const;

test("a page that starts opens a socket and asks, and is live when the socket has said something", () => {
  expect(play([start]).effects).toEqual(["open", "poll"]);
  expect(play([start, [5, ok]]).state.connection).toBe("connecting");
  expect(play([start, opened]).state.connection).toBe("connecting");
  expect(play([start, opened, heard]).state.connection).toBe("live");
});

test("a socket that closes is replaced by a question at once, and tried again later", () => {
  const after = play([start, answered, opened, heard, [100, { kind: "closed" }]]);
  expect([after.state.connection, after.effects]).toEqual(["connecting", ["poll"]]);
  const polling = play([[150, ok]], after.state);
  expect(polling.state.connection).toBe("polling");
  expect(play([[100 + RETRY_MS_MIN - 1, { kind: "tick" }]], polling.state).effects).toEqual([]);
  expect(play([[100 + RETRY_MS_MIN, { kind: "tick" }]], polling.state).effects).toEqual(["open"]);
});

test("while polling it asks every two seconds, and one question at a time", () => {
  const { state } = play([start, answered, [100, { kind: "closed" }], [150, ok]]);
  const opening = play([[100 + RETRY_MS_MIN, { kind: "tick" }]], state).state;
  expect(play([[150 + POLL_GAP_MS - 1, { kind: "tick" }]], opening).effects).toEqual([]);
  const asked = play([[150 + POLL_GAP_MS, { kind: "tick" }]], opening);
  expect(asked.effects).toEqual(["poll"]);
  expect(play([[150 + 3 * POLL_GAP_MS, { kind: "tick" }]], asked.state).effects).toEqual([]);
});

test("when nothing answers the connection is lost, and is asked for more seldom", () => {
  const { state } = play([start, answered, [100, { kind: "closed" }], [200, failed]]);
  expect(state.connection).toBe("lost");
  expect(state.pollAtMs).toBe(200 + POLL_LOST_GAP_MS);
});

test("a session that is over ends both", () => {
  const { state, effects } = play([
    start,
    opened,
    heard,
    [100, { kind: "closed" }],
    [150, { kind: "polled", outcome: "unauthorized" }],
  ]);
  expect([state.connection, effects]).toEqual(["expired", []]);
  expect(play([[9_000_000, { kind: "tick" }]], state).effects).toEqual([]);
});

test("the back-off doubles up to its bound, and a socket that brought something forgets it", () => {
  let { state } = play([start, answered]);
  const waits: number[] = [];
  for (let round = 0; round < 8; round++) {
    const now = round * 1_000_000;
    state = play([[now, { kind: "closed" }]], state).state;
    waits.push(state.retryAtMs - now);
    state = play([[state.retryAtMs, { kind: "tick" }]], state).state;
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, RETRY_MS_MAX, RETRY_MS_MAX, RETRY_MS_MAX]);
  expect(
    play(
      [
        [9e9, { kind: "opened" }],
        [9e9, { kind: "heard" }],
      ],
      state,
    ).state.failures,
  ).toBe(0);
});

test("an open socket is pinged, and given up when it stays silent", () => {
  const { state } = play([start, answered, opened, heard]);
  expect(play([[10 + PING_GAP_MS, { kind: "tick" }]], state).effects).toEqual([]);
  const pinged = play([[11 + PING_GAP_MS, { kind: "tick" }]], state);
  expect(pinged.effects).toEqual(["ping"]);
  expect(play([[20 + SILENT_MS, { kind: "tick" }]], pinged.state).effects).not.toContain("close");
  expect(play([[21 + SILENT_MS, { kind: "tick" }]], pinged.state).effects).toEqual(["close", "poll"]);
});

test("a handshake that takes too long is given up", () => {
  const { state } = play([start, answered]);
  expect(play([[OPEN_MS_MAX, { kind: "tick" }]], state).effects).not.toContain("close");
  expect(play([[OPEN_MS_MAX + 1, { kind: "tick" }]], state).effects).toEqual(["close", "poll"]);
});

test("a page that nobody looks at has no socket, and an answer that was under way does not wake it", () => {
  const hidden = play([start, opened, heard, [30, { kind: "hide" }]]);
  expect([hidden.state.connection, hidden.effects]).toEqual(["hidden", ["close"]]);
  expect(
    play(
      [
        [40, ok],
        [99_999, { kind: "tick" }],
      ],
      hidden.state,
    ),
  ).toMatchObject({ effects: [], state: { connection: "hidden" } });
  expect(play([[50, { kind: "start" }]], hidden.state).effects).toEqual(["open"]);
});

test("whatever happens, it never asks twice at once, and never opens a second socket beside an open one", () => {
  const kinds = ["start", "hide", "tick", "opened", "heard", "closed"] as const;
  const event = fc.oneof(
    fc.constantFrom(...kinds).map((kind): LiveEvent => ({ kind })),
    fc.constantFrom("ok", "unauthorized", "failed").map((outcome): LiveEvent => ({ kind: "polled", outcome }) as const),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20_000), event, fc.float({ min: 0, max: 1, noNaN: true }))), (steps) => {
      let state = IDLE;
      let now = 0;
      let asked = 0;
      for (const [waitMs, next, chance] of steps) {
        // What no browser does: an answer to no question, and a socket that opens without having been asked for.
        if (next.kind === "polled" && asked === 0) continue;
        if (next.kind === "opened" && state.socket !== "opening") continue;
        now += waitMs;
        if (next.kind === "polled") asked -= 1;
        const before = state.socket;
        const step = liveStep(state, next, now, chance);
        state = step.state;
        asked += step.effects.filter((effect) => effect === "poll").length;
        expect(asked).toBeLessThanOrEqual(1);
        if (step.effects.includes("open") && next.kind === "tick") expect(before).toBe("none");
        if (state.connection === "live") expect(state.socket).toBe("open");
      }
    }),
    { numRuns: 2_000 },
  );
});
