import { expect, test } from "vitest";
import { shadowChoice } from "../../../src/dispatch/core/shadow.ts";

const rule = { percent: 10, inFlightMax: 2, bodyBytesMax: 1_000 };
const asked = { roll: 0, inFlight: 0, bodyBytes: 10, goesOn: false };

test.each([
  ["is sent", {}, "send"],
  ["is drawn below its share", { roll: 0.099_999 }, "send"],
  ["is not drawn from its share on", { roll: 0.1 }, "not_drawn"],
  ["is sent at the bound of its body", { bodyBytes: 1_000 }, "send"],
  ["is not sent one byte beyond", { bodyBytes: 1_001 }, "too_large"],
  ["is the last that is under way", { inFlight: 1 }, "send"],
  ["is not sent beside as many as there may be", { inFlight: 2 }, "budget"],
  ["is not sent where it goes on from an answer of the pool's", { goesOn: true }, "goes_on"],
] as const)("a copy %s", (_, given, choice) => {
  expect(shadowChoice(rule, { ...asked, ...given })).toBe(choice);
});
