import { describe, expect, test } from "vitest";
import { anthropicModel, anthropicPage, openaiModel, PAGE_MAX } from "../../src/wire/model-list.ts";
import type { KnownModel } from "../../src/wire/model-list.ts";

const model = (id: string, more: Partial<KnownModel> = {}): KnownModel => ({
  id,
  pool: "main",
  state: "up",
  createdAtS: null,
  contextTokens: null,
  parent: null,
  ...more,
});
const KNOWN = { createdAtS: 1_700_000_000, contextTokens: 32_768, parent: "base" };

describe("a model", () => {
  test("has in OpenAI's form what is known of it, and nothing that is not", () => {
    const always = { id: "m", object: "model", owned_by: "warmpath", warmpath: { pool: "main", state: "up" } };
    expect(openaiModel(model("m"))).toEqual({ ...always, created: 0 });
    expect(openaiModel(model("m", KNOWN))).toEqual({
      ...always,
      created: 1_700_000_000,
      max_model_len: 32_768,
      context_length: 32_768,
      parent: "base",
    });
  });

  test("has in Anthropic's form the epoch and null for what is not known", () => {
    expect(anthropicModel(model("m"))).toMatchObject({
      type: "model",
      id: "m",
      display_name: "m",
      created_at: "1970-01-01T00:00:00Z",
      max_input_tokens: null,
    });
    expect(anthropicModel(model("m", KNOWN))).toMatchObject({
      created_at: "2023-11-14T22:13:20Z",
      max_input_tokens: 32_768,
    });
  });
});

const ALL = Array.from({ length: 25 }, (_, index) => model(`m${index}`));

type Page = { data: { id: string }[]; has_more: boolean; first_id: string | null; last_id: string | null };

const page = (query: string, models = ALL) => {
  const made = anthropicPage(models, query);
  if (!made.ok) return made.error;
  const { data, ...rest } = made.value as Page;
  return { ...rest, count: data.length };
};

describe("a page of Anthropic's list", () => {
  test.each([
    ["", { count: 20, has_more: true, first_id: "m0", last_id: "m19" }],
    ["?after_id=m19", { count: 5, has_more: false, first_id: "m20", last_id: "m24" }],
    ["?limit=5&after_id=m19", { count: 5, has_more: false, first_id: "m20", last_id: "m24" }],
    ["?limit=4&after_id=m19", { count: 4, has_more: true, first_id: "m20", last_id: "m23" }],
    ["?after_id=m24", { count: 0, has_more: false, first_id: null, last_id: null }],
    ["?limit=3&before_id=m5", { count: 3, has_more: true, first_id: "m2", last_id: "m4" }],
    ["?limit=5&before_id=m5", { count: 5, has_more: false, first_id: "m0", last_id: "m4" }],
    ["?before_id=m0", { count: 0, has_more: false, first_id: null, last_id: null }],
    [`?limit=${PAGE_MAX}`, { count: 25, has_more: false, first_id: "m0", last_id: "m24" }],
    ["?limit=1", { count: 1, has_more: true, first_id: "m0", last_id: "m0" }],
    ["?lifecycle[]=retired", { count: 0, has_more: false, first_id: null, last_id: null }],
    ["?lifecycle[]=active&limit=25", { count: 25, has_more: false, first_id: "m0", last_id: "m24" }],
  ])("%s has what it asks for", (query, wanted) => {
    expect(page(query)).toEqual(wanted);
  });

  test.each([
    ["?limit=0", "limit"],
    [`?limit=${PAGE_MAX + 1}`, "limit"],
    ["?limit=-1", "limit"],
    ["?limit=ten", "limit"],
    ["?limit=", "limit"],
    ["?after_id=none", "after_id"],
    ["?before_id=none", "before_id"],
    ["?after_id=m1&before_id=m2", "before_id"],
  ])("%s is refused by its name", (query, param) => {
    expect(page(query)).toMatchObject({ param, problem: expect.stringContaining(param) });
  });

  test.each([1, 3, 20, 25])("leads from the first to the last and back, %i at a time", (limit) => {
    const walk = (word: "after_id" | "before_id"): string[] => {
      const seen: string[] = [];
      let cursor = word === "after_id" ? "" : "&before_id=m24";
      for (;;) {
        const made = anthropicPage(ALL, `?limit=${limit}${cursor}`);
        if (!made.ok) throw new Error(made.error.problem);
        const { data, has_more: more, first_id: first, last_id: last } = made.value as Page;
        const ids = data.map(({ id }) => id);
        if (word === "after_id") seen.push(...ids);
        else seen.unshift(...ids);
        if (!more) return seen;
        cursor = `&${word}=${word === "after_id" ? last : first}`;
      }
    };
    const ids = ALL.map(({ id }) => id);
    expect([walk("after_id"), walk("before_id")]).toEqual([ids, ids.slice(0, -1)]);
  });
});
