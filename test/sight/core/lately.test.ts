import { expect, test } from "vitest";
import { createLately, noteFigures, ratesOf, WINDOW_MS } from "../../../src/sight/core/lately.ts";
import { addDeltas, noFigures } from "../../../src/sight/core/figures.ts";
import { keyOf } from "../../../src/sight/core/tally.ts";

const served = (count: number) => {
  const figures = noFigures();
  addDeltas(figures, [[keyOf("requests", "main", "/v1/models", "served", ""), [count]]]);
  return figures;
};
const NOBODY = { inFlight: 1, capacity: 8, queued: 0 };
const START = 1_000_000 * WINDOW_MS;

test("a rate is over what was covered: seconds after a start, half a minute from then on", () => {
  const lately = createLately(START);
  noteFigures(lately, served(50), START + 1_000);
  expect(ratesOf(lately, NOBODY, START + 2_000)).toMatchObject({
    windowS: 5,
    requestsPerS: 10,
    byOutcome: { served: 50 },
  });
  expect(ratesOf(lately, NOBODY, START + 10_000)).toMatchObject({ windowS: 10, requestsPerS: 5 });
  noteFigures(lately, served(10), START + 600_000);
  const rates = ratesOf(lately, NOBODY, START + 601_000);
  expect(rates.byOutcome).toEqual({ served: 10 });
  expect(rates.windowS).toBeLessThanOrEqual(WINDOW_MS / 1_000);
});

test("what is older than the window is forgotten, and nothing is known of what there was not", () => {
  const lately = createLately(START);
  noteFigures(lately, served(5), START);
  expect(ratesOf(lately, NOBODY, START + WINDOW_MS - 1).byOutcome).toEqual({ served: 5 });
  const after = ratesOf(lately, NOBODY, START + WINDOW_MS + 5_000);
  expect(after).toMatchObject({ requestsPerS: 0, byOutcome: {}, errorShare: null, costPerHour: null, ...NOBODY });
  expect(after.ttftMs).toEqual({ p50: null, p95: null, p99: null });
});

test("no more slots are kept than the window has, and a clock that is set back loses nothing", () => {
  const lately = createLately(START);
  for (let second = 0; second < 600; second += 1) noteFigures(lately, served(1), START + second * 1_000);
  expect(lately.slots.length).toBeLessThanOrEqual(7);
  noteFigures(lately, served(100), START);
  expect(ratesOf(lately, NOBODY, START + 599_000).byOutcome["served"]).toBeGreaterThan(100);
});
