import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { SCHEMA_FILE, schemaCommand, schemaText } from "../../../tools/cli/schema.ts";
import { formatProblems, parseConfig } from "../../../src/config/config-parse.ts";

const root = join(import.meta.dirname, "../../..");
const folder = mkdtempSync(join(tmpdir(), "schema-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("the committed schema is what the config schema says", () => {
  expect(schemaCommand(["--check"], root)).toMatchObject({ exitCode: 0 });
});

test("the example config at the root is valid", () => {
  const text = readFileSync(join(root, "warmpath.jsonc"), "utf8");
  const result = parseConfig(text);
  expect(result.ok ? "" : formatProblems(text, result.error, "warmpath.jsonc")).toBe("");
});

describe("the schema command", () => {
  test("finds the file missing, writes it, finds it current, and finds it changed", () => {
    const check = () => schemaCommand(["--check"], folder).exitCode;
    expect(check()).toBe(1);
    expect(schemaCommand([], folder).exitCode).toBe(0);
    expect(check()).toBe(0);
    writeFileSync(join(folder, SCHEMA_FILE), `${schemaText()} `);
    expect(check()).toBe(1);
  });

  test("refuses an argument that it does not know", () => {
    expect(schemaCommand(["--chek"], folder)).toMatchObject({ exitCode: 1, err: expect.stringContaining("--chek") });
  });
});

type Schema = { readonly [key: string]: unknown };

/** Every field that a person may write, as "pools.*.endpoints[].id". */
function fieldsOf(schema: Schema, path: string): [string, Schema][] {
  const nested = (part: unknown, at: string) =>
    typeof part === "object" && part !== null ? fieldsOf(part as Schema, at) : [];
  const properties = Object.entries((schema["properties"] ?? {}) as Record<string, Schema>);
  const options = [schema["anyOf"], schema["oneOf"]].flatMap((part) => (part ?? []) as Schema[]);
  return [
    ...properties.flatMap(([name, field]): [string, Schema][] => [
      [`${path}.${name}`, field],
      ...fieldsOf(field, `${path}.${name}`),
    ]),
    ...nested(schema["additionalProperties"], `${path}.*`),
    ...nested(schema["items"], `${path}[]`),
    ...options.flatMap((option) => fieldsOf(option, path)),
  ];
}

/** Each number that a description says; a large one may be a power of ten. */
const boundsIn = (description: unknown): number[] =>
  [...String(description).matchAll(/\b(?<base>\d+(?:\.\d+)?)(?:\^(?<power>\d+))?/g)].map(
    ({ groups }) => Number(groups?.["base"]) ** Number(groups?.["power"] ?? 1),
  );

describe("every field of the schema", () => {
  const fields = fieldsOf(JSON.parse(schemaText()) as Schema, "");

  test("is found", () => {
    expect(fields.length).toBeGreaterThan(50);
  });

  test.each(fields)("%s is described, with its default where it has one", (_, field) => {
    expect(field["description"]).toMatch(/^[A-Z].{10,}/);
    const value = field["default"];
    if (typeof value === "number") expect(field["description"]).toContain(`Default ${value}`);
    if (field["type"] === "integer" || field["type"] === "number")
      for (const bound of [field["minimum"], field["maximum"]])
        if (bound !== undefined) expect(boundsIn(field["description"])).toContain(Math.abs(Number(bound)));
  });
});
