import { describe, expect, test } from "vitest";
import { costTerms } from "../../../../../src/routing/core/cost/cost.ts";
import { ADAPTER_LOAD_MS, lackingAdapter } from "../../../../../src/routing/core/cost/terms/adapter.ts";
import { endpointView } from "../../shard/shard-fixture.ts";

const view = (id: string, adapters?: readonly string[]) =>
  endpointView({ id, ...(adapters === undefined ? {} : { adapters }) });
const views = [view("has", ["a", "b"]), view("lacks", []), view("silent")];

const coldOf = (adapter: string | null) =>
  views.map((one) => {
    const input = { client: null, clientKey: "here", inputTokens: 0, lackAdapter: lackingAdapter(views, adapter) };
    return costTerms(one, input).cold;
  });

describe("an adapter", () => {
  test("costs its loading where an engine says that it lacks it, and another has it", () => {
    expect(coldOf("a")).toEqual([0, ADAPTER_LOAD_MS, 0]);
  });

  test("that nobody has, or that is none, makes no difference", () => {
    expect(coldOf("c")).toEqual([0, 0, 0]);
    expect(coldOf(null)).toEqual([0, 0, 0]);
    expect(lackingAdapter([view("silent")], "a")).toBeNull();
  });
});
