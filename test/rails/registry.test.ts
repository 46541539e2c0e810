import { describe, expect, test } from "vitest";
import { INPUT_RAILS, OUTPUT_RAILS } from "../../src/config/rails-schema.ts";
import { RAILS } from "../../src/rails/registry.ts";

const rows = Object.entries(RAILS);

describe("the table of rails", () => {
  test("has a row with an input side for every rail that the config offers for requests, and for no other", () => {
    expect(rows.flatMap(([use, row]) => (row.input === undefined ? [] : [use])).sort()).toEqual(
      [...INPUT_RAILS].sort(),
    );
  });

  test("has a row with an output side for every rail that the config offers for answers, and for no other", () => {
    expect(rows.flatMap(([use, row]) => (row.output === undefined ? [] : [use])).sort()).toEqual(
      [...OUTPUT_RAILS].sort(),
    );
  });

  test("has no row without a side", () => {
    expect(rows.filter(([, { input, output }]) => input === undefined && output === undefined)).toEqual([]);
  });
});
