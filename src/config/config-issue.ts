/**
 * Decides how a zod issue reads to the person who wrote the config: what is wrong, and what to write instead.
 *
 * Model: an issue has a code and a path; the range, the allowed keys and the meaning of that path are looked up in the
 * JSON schema, which is plain data and built only when there is something to report. Rejected: zod's own messages
 * ("Too big: expected number to be <=4096"), which name a type system, not a fix.
 */
import * as z from "zod";
import { type ConfigPath, type Finding } from "./config-finding.ts";
import { didYouMean } from "./config-check.ts";
import { WholeSchema } from "./whole-schema.ts";
import { wordOf } from "../lib/json-object.ts";

/** A finding that may point at a key instead of a value. */
export type SchemaFinding = Finding & { readonly part: "key" | "value" };

type Issue = z.core.$ZodIssue;
type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The JSON schema of the config as a person writes it: the source of `warmpath.schema.json`. */
export function configJsonSchema(): JsonSchema {
  return z.toJSONSchema(WholeSchema, { io: "input" });
}

/** `root` is the value that was parsed, `schema` what it should have been. */
export function issueFindings(issues: readonly Issue[], root: unknown, schema: JsonSchema): SchemaFinding[] {
  return issues.flatMap((issue) => findingsOf(issue, [], root, schema));
}

function findingsOf(issue: Issue, prefix: ConfigPath, root: unknown, schema: JsonSchema): SchemaFinding[] {
  const path: ConfigPath = [...prefix, ...issue.path.map((part) => (typeof part === "number" ? part : String(part)))];
  const value = valueAt(root, path);
  const one = (problem: string, fix: string, part: "key" | "value" = "value") => [{ path, problem, fix, part }];
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = knownKeys(schema, path);
      return issue.keys.map((key) => ({
        path: [...path, key],
        problem: "this key is not known here",
        fix: known.includes(key) ? "remove it" : didYouMean(key, known, "remove it"),
        part: "key",
      }));
    }
    case "invalid_key":
      return one("this name has the wrong form", issue.issues[0]?.message ?? "choose another name", "key");
    case "invalid_union":
      return unionFindings(issue, path, root, schema) ?? one(`this is ${kindOf(value)}`, unionFix(issue, schema, path));
    case "invalid_value": {
      const known = issue.values.map(String);
      if (value === undefined) return one(...missing(path, schema));
      return one("this value is not known", didYouMean(wordOf(value), known, "write one of the known values"));
    }
    case "invalid_type":
      if (issue.expected === "never") return one("this entry is not supported", issue.message);
      if (value === undefined) return one(...missing(path, schema));
      return one(
        issue.expected === "int" && Number.isFinite(value) ? "this is not a whole number" : `this is ${kindOf(value)}`,
        fixFor(schema, path, issue.expected),
      );
    case "too_big":
    case "too_small":
      if (issue.origin === "string")
        return one(sizeProblem(issue), issue.code === "too_big" ? "shorten it" : "write a value");
      return one(sizeProblem(issue), fixFor(schema, path, issue.origin));
    case "invalid_format":
      return one("this has the wrong form", issue.message);
    default:
      return one("this is not accepted", issue.message);
  }
}

/** Of the alternatives, those whose outer form fits the value; null when none does. */
function unionFindings(
  issue: z.core.$ZodIssueInvalidUnion,
  path: ConfigPath,
  root: unknown,
  schema: JsonSchema,
): SchemaFinding[] | null {
  const value = valueAt(root, path);
  if ("discriminator" in issue && issue.discriminator !== undefined) {
    const known = schemasAt(schema, path).flatMap((option) => (typeof option.const === "string" ? [option.const] : []));
    if (value === undefined) {
      const problem = `"${issue.discriminator}" is missing here`;
      return [{ path, problem, fix: `add it: one of ${known.join(", ")}`, part: "value" }];
    }
    const fix = didYouMean(wordOf(value), known, "write one of the known names");
    return [{ path, problem: "this name is not known", fix, part: "value" }];
  }
  const fitting = issue.errors.find((branch) =>
    branch.every(
      (inner) =>
        inner.path.length > 0 ||
        inner.code === "unrecognized_keys" ||
        (typeof value === "string" && inner.code === "invalid_value"),
    ),
  );
  return fitting === undefined ? null : fitting.flatMap((inner) => findingsOf(inner, path, root, schema));
}

function unionFix(issue: z.core.$ZodIssueInvalidUnion, schema: JsonSchema, path: ConfigPath): string {
  return issue.message === "Invalid input" ? fixFor(schema, path, 'name or an object with "use"') : issue.message;
}

function missing(path: ConfigPath, schema: JsonSchema): [string, string, "value"] {
  const name = path.at(-1);
  if (name === undefined) return ["the file is empty", "write an object", "value"];
  const description = schemasAt(schema, path).find((option) => option.description !== undefined)?.description;
  return [`"${name}" is missing here`, description === undefined ? "add it" : `add it. ${description}`, "value"];
}

function sizeProblem(issue: z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall): string {
  const things = issue.origin === "array" ? " entries" : issue.origin === "string" ? " characters" : "";
  if (issue.code === "too_big") return `this is above the maximum, ${issue.maximum}${things}`;
  return issue.inclusive === false
    ? `this must be above ${issue.minimum}`
    : `this is below the minimum, ${issue.minimum}${things}`;
}

function fixFor(schema: JsonSchema, path: ConfigPath, expected: string): string {
  const options = schemasAt(schema, path);
  const number = options.find((option) => option.type === "integer" || option.type === "number");
  if (number !== undefined) {
    const noun = number.type === "integer" ? "a whole number" : "a number";
    return number.exclusiveMinimum === undefined
      ? `write ${noun} from ${number.minimum} to ${number.maximum}`
      : `write ${noun} above ${number.exclusiveMinimum}, to ${number.maximum}`;
  }
  const list = options.find((option) => option.type === "array");
  if (list !== undefined) return `write a list of ${list.minItems ?? 0} to ${list.maxItems ?? 0} entries`;
  return `write ${NOUNS[expected] ?? `a ${expected}`}`;
}

const NOUNS: Readonly<Record<string, string>> = {
  object: 'an object, "{ … }"',
  record: 'an object, "{ … }"',
  string: "a string",
  boolean: "true or false",
};

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "number" && !Number.isFinite(value) ? "too large a number" : `a ${typeof value}`;
}

function knownKeys(schema: JsonSchema, path: ConfigPath): string[] {
  return [...new Set(schemasAt(schema, path).flatMap((option) => Object.keys(option.properties ?? {})))];
}

/** Every schema that may apply at `path`, alternatives spread out. */
function schemasAt(root: JsonSchema, path: ConfigPath): JsonSchema[] {
  return path.reduce<JsonSchema[]>(
    (schemas, step) =>
      schemas.flatMap((schema) => alternatives(typeof step === "number" ? schema.items : memberOf(schema, step))),
    alternatives(root),
  );
}

function memberOf(schema: JsonSchema, key: string): unknown {
  const { properties = {}, additionalProperties } = schema;
  return Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
}

function alternatives(schema: unknown): JsonSchema[] {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return [];
  const one = schema as JsonSchema;
  const nested = [...(one.anyOf ?? []), ...(one.oneOf ?? [])];
  return [one, ...nested.flatMap(alternatives)];
}

export function valueAt(root: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    return (value as Record<string | number, unknown>)[step];
  }, root);
}
