import { describe, expect, test } from "vitest";
import { costTerms } from "../../../../../src/routing/core/cost/cost.ts";
import {
  adapterCosts,
  ADAPTER_FETCH_MS,
  ADAPTER_LOAD_MS,
  ADAPTER_UNKNOWN_MS,
} from "../../../../../src/routing/core/cost/terms/adapter.ts";
import { endpointView } from "../../shard/shard-fixture.ts";

const view = (id: string, adapters?: readonly string[], adaptersListed?: readonly string[]) =>
  endpointView({
    id,
    ...(adapters === undefined ? {} : { adapters }),
    ...(adaptersListed === undefined ? {} : { adaptersListed }),
  });
const VIEWS = [
  view("in its batch", ["a", "b"]),
  view("in its batch and listed", ["a"], ["a", "c"]),
  view("listed, not in its batch", [], ["a"]),
  view("listed, tells of no batch", undefined, ["a"]),
  view("not in its batch", []),
  view("does not tell"),
  view("not listed", [], ["c"]),
  view("not listed, tells of no batch", undefined, []),
];

const coldOf = (adapter: string | null, views = VIEWS) =>
  views.map((one) => {
    const input = { client: null, clientKey: "here", inputTokens: 0, adapterMsAt: adapterCosts(views, adapter) };
    return costTerms(one, input).cold;
  });

describe("an adapter", () => {
  test("costs what it takes to be there, and a chance of that where nobody knows", () => {
    expect(coldOf("a")).toEqual([
      0,
      0,
      ADAPTER_LOAD_MS,
      0,
      ADAPTER_LOAD_MS,
      ADAPTER_UNKNOWN_MS,
      ADAPTER_FETCH_MS,
      ADAPTER_FETCH_MS,
    ]);
  });

  test("costs less where nobody knows than where it is known to be missing, and more than where it is", () => {
    expect(ADAPTER_UNKNOWN_MS).toBeGreaterThan(0);
    expect(ADAPTER_UNKNOWN_MS).toBeLessThan(ADAPTER_LOAD_MS);
    expect(ADAPTER_LOAD_MS).toBeLessThan(ADAPTER_FETCH_MS);
  });

  test("that nobody has, or that is none, makes no difference", () => {
    expect(coldOf("d")).toEqual(VIEWS.map(() => 0));
    expect(coldOf(null)).toEqual(VIEWS.map(() => 0));
    expect(adapterCosts([view("does not tell"), view("not listed", undefined, [])], "a")).toBeNull();
    expect(adapterCosts([], "a")).toBeNull();
  });
});
