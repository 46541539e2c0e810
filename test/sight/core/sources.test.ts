import { describe, expect, test } from "vitest";
import { arrive, forgetGone, SOURCE_LIFE_MS, SOURCES_MAX } from "../../../src/sight/core/sources.ts";
import type { Sources } from "../../../src/sight/core/sources.ts";

describe("sources of reports", () => {
  test("are gone a day after their last report, not before", () => {
    const sources: Sources = new Map();
    arrive(sources, "a", 1, 0);
    arrive(sources, "b", 1, 1);
    arrive(sources, "a", 2, 2);
    expect(forgetGone(sources, SOURCE_LIFE_MS)).toEqual([]);
    expect(forgetGone(sources, SOURCE_LIFE_MS + 1)).toEqual(["b"]);
    expect(arrive(sources, "a", 2, SOURCE_LIFE_MS)).toEqual({ kind: "repeat" });
  });

  test("are bounded: the one that was silent for longest goes", () => {
    const sources: Sources = new Map();
    for (let index = 0; index < SOURCES_MAX; index++) arrive(sources, `s${index}`, 1, index);
    arrive(sources, "s0", 2, SOURCES_MAX);
    expect(forgetGone(sources, SOURCES_MAX)).toEqual([]);
    arrive(sources, "new", 1, SOURCES_MAX);
    expect(forgetGone(sources, SOURCES_MAX)).toEqual(["s1"]);
  });
});
