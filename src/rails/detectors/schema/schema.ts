/**
 * The rail `schema`: the body of a request, or an answer that is JSON, must keep a JSON schema.
 *
 * Model. The schema is checked once, when the config is: its size and depth, that every reference stays inside it, and
 * that it holds nothing whose time depends on the instance in other than a linear way. The library tests patterns with
 * the platform's RegExp, so each `pattern` becomes a format of our own that runs in RE2 (`regex.ts`);
 * `patternProperties`, `uniqueItems` and the formats with dangerous expressions are refused. Instances are bounded
 * before they are looked at. Reasons name the keyword and the place; a member's name that the schema does not know is
 * the sender's text, and is written as "*".
 * Source: docs/reference/sources.md, Matching in linear time (Ajv compiles code, which a Worker forbids);
 * `@cfworker/json-schema`.
 */
import { format, Validator } from "@cfworker/json-schema";
import type { OutputUnit, Schema } from "@cfworker/json-schema";
import type { RailFindings, RailInput } from "../../core/rail.ts";
import { checkPattern, testPattern } from "../regex/regex.ts";
import { isObject, wordOf } from "../../../lib/json-object.ts";

/** Values and schemas inside a schema. */
export const SCHEMA_NODES_MAX = 2_000;
export const SCHEMA_DEPTH_MAX = 48;

/** Values inside an instance: a long conversation with tools has some thousands. */
export const INSTANCE_NODES_MAX = 50_000;
export const INSTANCE_DEPTH_MAX = 64;

/** Characters of an answer that is parsed. */
const ANSWER_CHARS_MAX = 1_000_000;

/** Reasons listed. A value is looked at up to its first fault; the parts of an answer may each have one. */
export const SCHEMA_REASONS_MAX = 8;

export type SchemaOptions = {
  /** JSON schema, draft 2020-12. References begin with "#". */
  readonly schema: Readonly<Record<string, unknown>>;
};

/** Expressions that take linear time; `url`, `uri-template` and `regex` do not, or compile what the instance says. */
const FORMATS: ReadonlySet<string> = new Set(
  "date time date-time duration email hostname ipv4 ipv6 uuid uri uri-reference json-pointer relative-json-pointer".split(
    " ",
  ),
);

const REFUSED: Readonly<Record<string, string>> = {
  patternProperties: "patterns for names of members are not supported: list the members",
  uniqueItems: "uniqueItems takes quadratic time: leave it out",
  $dynamicRef: "only $ref is supported",
  $recursiveRef: "only $ref is supported",
  $id: "a schema has no $id of its own here: leave it out",
  id: "a schema has no id of its own here: leave it out",
};

/** Members whose values are data or names, not schemas. */
const DATA_MEMBERS: ReadonlySet<string> = new Set(["enum", "const", "default", "examples", "required", "type"]);
const NAME_MEMBERS: ReadonlySet<string> = new Set(["properties", "$defs", "definitions", "dependentSchemas"]);

/** Why the schema cannot be used, in one sentence with the place; null if it can. */
export function checkSchema(schema: unknown): string | null {
  const result = prepared(schema);
  return typeof result === "string" ? result : null;
}

/**
 * Checks the body of a request, or any other JSON value. Reasons are "schema:" and the keyword, " at " and the place,
 * such as "schema:type at messages[0].content", "schema:not_allowed" for what the schema rules out; "schema:too_large"
 * for one beyond the bounds. A schema that `checkSchema` refuses throws.
 */
export function findSchemaFaults(instance: unknown, { schema }: SchemaOptions): readonly string[] {
  const result = prepared(schema);
  if (typeof result === "string") throw new Error(`a schema cannot be used: ${result}`);
  if (!isWithin(instance, INSTANCE_NODES_MAX, INSTANCE_DEPTH_MAX)) return ["schema:too_large"];
  const { valid, errors } = result.validator.validate(instance);
  if (valid) return [];
  const reasons = leavesOf(errors.slice(0, UNITS_MAX)).map((unit) => reasonOf(unit, result.names));
  return [...new Set(reasons)].slice(0, SCHEMA_REASONS_MAX);
}

/** Faults of the library that are looked at. */
const UNITS_MAX = 256;

/** The library lists a fault and every schema around it; what counts is the innermost. */
function leavesOf(units: readonly OutputUnit[]): readonly OutputUnit[] {
  const inner = new Set<string>();
  for (const { keyword, keywordLocation, instanceLocation } of units) {
    const place = keyword === FORBIDDEN ? instanceLocation : keywordLocation;
    for (let end = place.lastIndexOf("/"); end > 0; end = place.lastIndexOf("/", end - 1))
      inner.add(place.slice(0, end));
  }
  const forbids = units.some(({ keyword }) => keyword === FORBIDDEN);
  return units.filter(({ keyword, keywordLocation }) => {
    if (forbids && FORBIDDING.has(keyword)) return false;
    return keyword === FORBIDDEN || !inner.has(keywordLocation);
  });
}

/** What the library calls it when the schema for a value is `false`. */
const FORBIDDEN = "false";
const FORBIDDING: ReadonlySet<string> = new Set(
  "additionalProperties additionalItems unevaluatedProperties unevaluatedItems items properties propertyNames".split(
    " ",
  ),
);

/**
 * For answers: every part must be JSON that keeps the schema, "schema:json" if it is none. Reasons as above; no spans.
 */
export function schemaRail(input: RailInput, options: SchemaOptions): RailFindings {
  const reasons = input.parts.flatMap(({ text }) => {
    if (text.length > ANSWER_CHARS_MAX) return ["schema:too_large"];
    const parsed = parse(text);
    return parsed === undefined ? ["schema:json"] : findSchemaFaults(parsed.value, options);
  });
  return { spans: new Map(), reasons: [...new Set(reasons)].slice(0, SCHEMA_REASONS_MAX) };
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

type Prepared = {
  readonly validator: Validator;
  /** Names of members that the schema mentions. */
  readonly names: ReadonlySet<string>;
};

/** By the schema, which lives as long as its config. */
const known = new WeakMap<object, Prepared | string>();

function prepared(schema: unknown): Prepared | string {
  if (!isObject(schema)) return "a schema is an object";
  const before = known.get(schema);
  if (before !== undefined) return before;
  const result = prepare(schema);
  known.set(schema, result);
  return result;
}

function prepare(schema: Record<string, unknown>): Prepared | string {
  if (!isWithin(schema, SCHEMA_NODES_MAX, SCHEMA_DEPTH_MAX)) {
    return `it has more than ${SCHEMA_NODES_MAX} values, or is deeper than ${SCHEMA_DEPTH_MAX}`;
  }
  const copy: Copying = { root: schema, names: new Set(), problem: null };
  const safe = copySchema(copy, schema, "#");
  if (copy.problem !== null) return copy.problem;
  const validator = new Validator(safe as Schema, "2020-12", true);
  // A schema that refers to itself without going into the instance never ends: better now than with a request.
  try {
    for (const probe of [null, {}, [], "", 0]) validator.validate(probe);
  } catch (error) {
    return error instanceof RangeError ? "it refers to itself without end" : "it cannot be evaluated";
  }
  return { validator, names: copy.names };
}

type Copying = {
  readonly root: Record<string, unknown>;
  readonly names: Set<string>;
  problem: string | null;
};

/** A copy in which patterns are formats: the library marks the schemas that it is given, and uses RegExp. */
function copySchema(copy: Copying, value: unknown, at: string): unknown {
  if (Array.isArray(value)) return value.map((item, index) => copySchema(copy, item, `${at}/${index}`));
  if (!isObject(value)) return value;
  const copied: Record<string, unknown> = {};
  const formats: string[] = [];
  for (const [name, member] of Object.entries(value)) {
    copy.problem ??= problemOf(copy, name, member, `${at}/${name}`);
    if (copy.problem !== null) return copied;
    if (name === "pattern" && typeof member === "string") formats.push(patternFormat(member));
    else if (DATA_MEMBERS.has(name)) copied[name] = structuredClone(member);
    else if (NAME_MEMBERS.has(name) && isObject(member)) copied[name] = copyNamed(copy, member, `${at}/${name}`);
    else copied[name] = copySchema(copy, member, `${at}/${name}`);
  }
  if (Array.isArray(value["required"])) for (const name of value["required"]) copy.names.add(wordOf(name));
  const others = Array.isArray(copied["allOf"]) ? copied["allOf"] : [];
  if (formats.length > 0) copied["allOf"] = [...others, ...formats.map((one) => ({ format: one }))];
  return copied;
}

function copyNamed(copy: Copying, members: Record<string, unknown>, at: string): Record<string, unknown> {
  const copied: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(members)) {
    copy.names.add(name);
    Object.defineProperty(copied, name, {
      value: copySchema(copy, member, `${at}/${name}`),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return copied;
}

function problemOf(copy: Copying, name: string, member: unknown, at: string): string | null {
  const refused = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
  if (refused !== undefined && !(name === "uniqueItems" && member === false)) return `${at}: ${refused}`;
  if (name === "pattern") {
    const problem = typeof member === "string" ? checkPattern(member) : "it is no string";
    return problem === null ? null : `${at}: ${problem}`;
  }
  if (name === "format" && !(typeof member === "string" && FORMATS.has(member))) {
    return `${at}: a format is one of ${[...FORMATS].join(", ")}`;
  }
  if (name !== "$ref") return null;
  if (typeof member !== "string" || !member.startsWith("#")) return `${at}: a reference begins with "#"`;
  return resolves(copy.root, member) ? null : `${at}: nothing is there`;
}

function resolves(root: unknown, ref: string): boolean {
  if (ref === "#") return true;
  if (!ref.startsWith("#/")) return false;
  let value: unknown = root;
  for (const part of ref.slice(2).split("/")) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return false;
    value = (value as Record<string, unknown>)[name];
  }
  return isObject(value) || typeof value === "boolean";
}

const PATTERN_FORMAT = "re2:";

/** The library's table of formats is where a test of our own can be put. */
function patternFormat(pattern: string): string {
  const name = PATTERN_FORMAT + pattern;
  format[name] = (text: string) => testPattern(text, pattern);
  return name;
}

function reasonOf({ keyword, instanceLocation, error }: OutputUnit, names: ReadonlySet<string>): string {
  const isPattern = keyword === "format" && error.includes(`"${PATTERN_FORMAT}`);
  const name = isPattern ? "pattern" : keyword === FORBIDDEN ? "not_allowed" : keyword;
  return `schema:${name}${placeOf(instanceLocation, names)}`;
}

/** "#/messages/0/content" as " at messages[0].content"; nothing for the whole. */
function placeOf(pointer: string, names: ReadonlySet<string>): string {
  let place = "";
  for (const part of pointer.split("/").slice(1)) {
    const name = decoded(part);
    if (isIndex(name)) place += `[${name}]`;
    else place += `${place === "" ? "" : "."}${names.has(name) ? name : "*"}`;
  }
  return place === "" ? "" : ` at ${place}`;
}

function decoded(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

function isIndex(part: string): boolean {
  return part.length > 0 && part.length <= 6 && [...part].every((char) => char >= "0" && char <= "9");
}

/** Walks as far as the bounds allow and no further. */
function isWithin(value: unknown, nodesMax: number, depthMax: number): boolean {
  const stack: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  let nodes = 0;
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    nodes += 1;
    if (nodes + stack.length > nodesMax || next.depth > depthMax) return false;
    if (typeof next.value !== "object" || next.value === null) continue;
    for (const member of Object.values(next.value)) stack.push({ value: member, depth: next.depth + 1 });
  }
  return true;
}

/**
 * Reasons for a request's body. One without a body has nothing that could keep a schema; one that is no JSON object
 * keeps none.
 */
export function schemaOfBody(body: unknown, hasBody: boolean, options: SchemaOptions): RailFindings {
  const isJson = typeof body === "object" && body !== null;
  const reasons = !hasBody ? [] : isJson ? findSchemaFaults(body, options) : ["schema:json"];
  return { spans: new Map(), reasons };
}

/** Types of what is wrong with an answer, which must be JSON. */
export function schemaOfAnswer(text: string, options: SchemaOptions): readonly string[] {
  const part = { path: "", role: "assistant", text };
  const { reasons } = schemaRail({ parts: [part], messageCount: 0, unseen: [] }, options);
  return reasons.map((reason) => reason.replace(/^schema:/, ""));
}
