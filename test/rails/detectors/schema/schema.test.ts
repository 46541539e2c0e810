import { describe, expect, test } from "vitest";
import {
  checkSchema,
  findSchemaFaults,
  INSTANCE_DEPTH_MAX,
  INSTANCE_NODES_MAX,
  SCHEMA_DEPTH_MAX,
  SCHEMA_NODES_MAX,
  SCHEMA_REASONS_MAX,
  schemaRail,
} from "../../../../src/rails/detectors/schema/schema.ts";

const CHAT = {
  type: "object",
  required: ["model", "messages"],
  properties: {
    model: { type: "string", pattern: "^[a-z0-9.-]+$" },
    temperature: { type: "number", maximum: 1 },
    messages: { type: "array", minItems: 1, items: { $ref: "#/$defs/message" } },
  },
  $defs: {
    message: {
      type: "object",
      required: ["role", "content"],
      properties: { role: { enum: ["user", "assistant"] }, content: { type: "string", maxLength: 10 } },
      additionalProperties: false,
    },
  },
};

const faults = (instance: unknown, schema: Record<string, unknown> = CHAT) => findSchemaFaults(instance, { schema });
const chat = (...messages: unknown[]) => ({ model: "m", messages });

describe("a body", () => {
  test("that keeps the schema has no faults", () => {
    expect(faults(chat({ role: "user", content: "hi" }))).toEqual([]);
  });

  test.each([
    { name: "of another type", body: "text", is: ["schema:type"] },
    { name: "without a member", body: { model: "m" }, is: ["schema:required"] },
    {
      name: "with a wrong type inside",
      body: chat({ role: "user", content: 1 }),
      is: ["schema:type at messages[0].content"],
    },
    { name: "with a wrong word", body: chat({ role: "root", content: "" }), is: ["schema:enum at messages[0].role"] },
    {
      name: "with too much",
      body: { ...chat({ role: "user", content: "" }), temperature: 2 },
      is: ["schema:maximum at temperature"],
    },
    {
      name: "with a pattern broken",
      body: { ...chat({ role: "user", content: "" }), model: "NO" },
      is: ["schema:pattern at model"],
    },
    {
      name: "with a member that the schema does not know, which is not named",
      body: chat({ role: "user", content: "", "my secret": 1 }),
      is: ["schema:not_allowed at messages[0].*"],
    },
  ])("$name has the fault $is", ({ body, is }) => {
    expect(faults(body)).toEqual(is);
  });

  test("is looked at up to its bounds of size and depth", () => {
    const wide = (count: number) => Array.from({ length: count - 1 }, () => 0);
    expect(faults(wide(INSTANCE_NODES_MAX), {})).toEqual([]);
    expect(faults(wide(INSTANCE_NODES_MAX + 1), {})).toEqual(["schema:too_large"]);
    expect(faults(nested(INSTANCE_DEPTH_MAX), {})).toEqual([]);
    expect(faults(nested(INSTANCE_DEPTH_MAX + 1), {})).toEqual(["schema:too_large"]);
  });

  test("cannot make a pattern take exponential time", () => {
    const schema = { type: "string", pattern: "^(a+)+$" };
    expect(faults(`${"a".repeat(50_000)}!`, schema)).toEqual(["schema:pattern"]);
    expect(faults("aaa", schema)).toEqual([]);
  });

  test("does not change the schema that it is checked with", () => {
    const before = JSON.stringify(CHAT);
    faults(chat());
    expect(JSON.stringify(CHAT)).toBe(before);
  });
});

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

describe("the check of a schema", () => {
  test.each([
    { name: "a usable one", schema: CHAT, problem: null },
    { name: "one that refers to itself through the instance", schema: { items: { $ref: "#" } }, problem: null },
    {
      name: "a property that is called pattern",
      schema: { properties: { pattern: { type: "string" } } },
      problem: null,
    },
    { name: "no schema", schema: [], problem: "an object" },
    { name: "a remote reference", schema: { $ref: "https://example.com/s.json" }, problem: 'begins with "#"' },
    { name: "a reference to nothing", schema: { $ref: "#/$defs/x" }, problem: "nothing is there" },
    { name: "a reference without end", schema: { allOf: [{ $ref: "#" }] }, problem: "without end" },
    { name: "a base of its own", schema: { $id: "https://example.com/" }, problem: "$id" },
    {
      name: "a pattern that is none",
      schema: { properties: { a: { pattern: "(" } } },
      problem: "#/properties/a/pattern",
    },
    { name: "a pattern that looks around", schema: { pattern: "(?=a)" }, problem: "pattern" },
    { name: "patterns for names", schema: { patternProperties: { "^a": {} } }, problem: "not supported" },
    { name: "what takes quadratic time", schema: { uniqueItems: true }, problem: "quadratic" },
    { name: "a format with a dangerous expression", schema: { format: "url" }, problem: "format" },
  ])("says of $name: $problem", ({ schema, problem }) => {
    if (problem === null) expect(checkSchema(schema)).toBeNull();
    else expect(checkSchema(schema)).toContain(problem);
  });

  test("bounds size and depth", () => {
    const wide = (count: number) => ({ enum: Array.from({ length: count - 2 }, (_, index) => index) });
    const deep = (depth: number) => {
      let schema: Record<string, unknown> = {};
      for (let level = 0; level < depth; level += 1) schema = { not: schema };
      return schema;
    };
    expect([wide(SCHEMA_NODES_MAX), deep(SCHEMA_DEPTH_MAX)].map(checkSchema)).toEqual([null, null]);
    for (const schema of [wide(SCHEMA_NODES_MAX + 1), deep(SCHEMA_DEPTH_MAX + 1)])
      expect(checkSchema(schema)).toContain("more than");
  });
});

test.each(["email", "hostname", "ipv6", "uri", "uri-reference", "json-pointer", "date-time", "duration"])(
  "the format %s reads hostile texts in one pass",
  (name) => {
    for (const unit of ["a.", "a@", "/~0", "::", "http://a", "%20", "1", "P1Y", "a-"]) {
      const text = unit.repeat(20_000);
      expect(faults(text, { format: name }).length).toBeLessThan(2);
    }
  },
);

describe("an answer", () => {
  const rail = (text: string) =>
    schemaRail(
      { parts: [{ path: "choices[0].message.content", role: "assistant", text }], messageCount: 1, unseen: [] },
      { schema: { type: "object", required: ["name"], properties: { name: { type: "string" } } } },
    ).reasons;

  test.each([
    { text: '{"name":"x"}', is: [] },
    { text: '{"name":1}', is: ["schema:type at name"] },
    { text: "{}", is: ["schema:required"] },
    { text: "Sure! Here it is", is: ["schema:json"] },
    { text: "null", is: ["schema:type"] },
  ])("$text has the faults $is", ({ text, is }) => {
    expect(rail(text)).toEqual(is);
  });

  test("lists so many faults of its parts and no more, each once", () => {
    const names = Array.from({ length: SCHEMA_REASONS_MAX + 1 }, (_, index) => `m${index}`);
    const properties = Object.fromEntries(names.map((name) => [name, { type: "string" }]));
    const parts = [...names, ...names].map((name) => ({ path: name, role: "", text: JSON.stringify({ [name]: 1 }) }));
    const { reasons } = schemaRail({ parts, messageCount: 0, unseen: [] }, { schema: { properties } });
    expect(reasons).toEqual(names.slice(0, SCHEMA_REASONS_MAX).map((name) => `schema:type at ${name}`));
  });
});
