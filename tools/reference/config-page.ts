/**
 * The reference of `warmpath.jsonc`: every member with its type, unit, range, default and meaning, from the JSON schema
 * that editors read.
 *
 * Model. A section for each object, in the order of the file, named by its path: `pools.*` is any pool, `[]` any entry of
 * a list. The rails are told by their `use`; what all of them take is written once. Of objects of one shape the first has
 * the section, and the others point there.
 * Rejected: a generator from the registry: none of them knows that `"pii"` and `{"use": "pii"}` are one rail, and each
 * prints two hundred kilobytes for this schema.
 */
import { configJsonSchema } from "../../src/config/config-issue.ts";
import { anchorOf, code, generatedFrom, page, table } from "./page.ts";

/** What of JSON Schema zod writes for this config. */
export type Schema = {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
};

type Section = { readonly path: string; readonly schema: Schema };

const RAILS_PATH = "pools.*.rails";

export const configPage = {
  path: "docs/reference/config.md",
  source: "the config schema",
  text: (): string => configReference(configJsonSchema() as Schema),
};

export function configReference(root: Schema): string {
  const sections = withoutTwins(sectionsOf("", root));
  const rails = railsOf(sections);
  const blocks = sections.flatMap((section) => sectionText(section, sections));
  return page(
    "# warmpath.jsonc",
    generatedFrom("the zod schema in `src/config`"),
    "Every member of the file. A path names where it stands: `pools.*` is any pool, `[]` any entry of a list. A member without a default and not *required* may be left out; what that means is said beside it. Numbers are whole unless a line says *number*.",
    ...blocks,
    ...railsText(rails),
  );
}

/** Objects of the schema in their order, rails left to the end. */
function sectionsOf(path: string, schema: Schema): readonly Section[] {
  if (schema.properties === undefined) return [];
  const inner = Object.entries(schema.properties).flatMap(([name, member]) => {
    const at = path === "" ? name : `${path}.${name}`;
    if (path === RAILS_PATH) return [];
    return objectsIn(at, member).flatMap((found) => sectionsOf(found.path, found.schema));
  });
  return [{ path, schema }, ...inner];
}

/** The objects that a member is, holds by name, or lists. */
function objectsIn(path: string, schema: Schema): readonly Section[] {
  if (schema.properties !== undefined) return [{ path, schema }];
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return choices.flatMap((one) => objectsIn(path, one));
  if (schema.items !== undefined) return objectsIn(`${path}[]`, schema.items);
  const { additionalProperties: named } = schema;
  return typeof named === "object" ? objectsIn(`${path}.*`, named) : [];
}

function sectionText({ path, schema }: Section, sections: readonly Section[]): readonly string[] {
  const intro = schema.description === undefined ? [] : [schema.description];
  return [`## ${path === "" ? "The file" : code(path)}`, ...intro, members(path, schema, sections)];
}

const shapeOf = ({ properties, required }: Schema): string => JSON.stringify([properties, required]);

/** The first of each shape. */
function withoutTwins(sections: readonly Section[]): readonly Section[] {
  const shapes = sections.map(({ schema }) => shapeOf(schema));
  return sections.filter((_, at) => shapes.indexOf(shapes[at] ?? "") === at);
}

function members(path: string, schema: Schema, sections: readonly Section[]): string {
  const rows = Object.entries(schema.properties ?? {}).map(([name, member]) => {
    const link = linkOf(path, name, member, sections);
    return [code(name), typeOf(name, member) + link, defaultOf(name, member, schema), meaningOf(name, member)];
  });
  return table(["member", "type and range", "default", "meaning"], rows);
}

/** Where the members of an object are told: in its own section, or in that of the first of its shape. */
function linkOf(path: string, name: string, schema: Schema, sections: readonly Section[]): string {
  const [inner] = objectsIn(path === "" ? name : `${path}.${name}`, schema);
  if (inner === undefined) return "";
  if (path === RAILS_PATH) return " ([rails](#rails))";
  const told = sections.find((one) => shapeOf(one.schema) === shapeOf(inner.schema));
  return told === undefined ? "" : ` ([${code(told.path)}](#${anchorOf(told.path)}))`;
}

function typeOf(name: string, schema: Schema): string {
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum !== undefined) return schema.enum.map((value) => code(JSON.stringify(value))).join(", ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return [...new Set(choices.map((one) => typeOf(name, one)))].join(" or ");
  if (schema.type === "array") {
    const most = schema.maxItems === undefined ? "" : `, at most ${number(schema.maxItems)}`;
    return `list of ${schema.items === undefined ? "anything" : typeOf(name, schema.items)}${most}`;
  }
  if (schema.type === "object") return schema.properties === undefined ? "objects by name" : "object";
  if (schema.type === "integer" || schema.type === "number") {
    const kind = schema.type === "number" ? ["number"] : [];
    return [...kind, unitOf(name), rangeOf(schema)].filter((part) => part !== "").join(", ");
  }
  return schema.type ?? "anything";
}

/** The description, without the range that has a column of its own: editors show it in the sentence. */
function meaningOf(name: string, schema: Schema): string {
  const text = schema.description ?? "";
  const { minimum, maximum } = schema;
  if (minimum === undefined || maximum === undefined) return text;
  const range = `${minimum} to ${maximum}`;
  return text.replace(`, ${unitOf(name)}, ${range}`, "").replace(`, ${range}`, "");
}

/** Units are in the names. */
function unitOf(name: string): string {
  if (name.endsWith("PerMs")) return "per ms";
  if (/(?:Ms|MsMax|MsMin)$/.test(name)) return "ms";
  if (/Seconds(?:Max|Min)?$/.test(name)) return "s";
  if (/Bytes(?:Max|Min)?$/.test(name)) return "bytes";
  if (/Days(?:Max|Min)?$/.test(name)) return "days";
  return /^(?:lat|lon)$/.test(name) ? "degrees" : "";
}

function rangeOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): string {
  const from = minimum ?? exclusiveMinimum;
  const to = maximum ?? exclusiveMaximum;
  const low = from === undefined ? "" : `${exclusiveMinimum === undefined ? "" : "above "}${number(from)}`;
  const high = to === undefined ? "" : `${exclusiveMaximum === undefined ? "" : "below "}${number(to)}`;
  if (low === "" || high === "") return low === "" ? high : `${low} and more`;
  return `${low} to ${high}`;
}

const number = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: 6 });

function defaultOf(name: string, schema: Schema, parent: Schema): string {
  if (schema.default !== undefined) return code(JSON.stringify(schema.default));
  return parent.required?.includes(name) === true ? "*required*" : "–";
}

type Rail = { readonly use: string; readonly stages: readonly string[]; readonly schema: Schema };

function railsOf(sections: readonly Section[]): readonly Rail[] {
  const stages = sections.find(({ path }) => path === RAILS_PATH)?.schema.properties ?? {};
  const found = new Map<string, Rail>();
  for (const [stage, { items }] of Object.entries(stages)) {
    for (const schema of (items?.anyOf ?? []).flatMap((one) => one.oneOf ?? [one])) {
      const use = schema.properties?.["use"]?.const;
      if (typeof use !== "string") continue;
      const before = found.get(use);
      if (before === undefined) found.set(use, { use, stages: [stage], schema });
      else found.set(use, { use, stages: [...before.stages, stage], schema: inBoth(before, { stage, schema }) });
    }
  }
  return [...found.values()];
}

/** A rail of two stages: an option that only one of them has says so. */
function inBoth(first: Rail, second: { readonly stage: string; readonly schema: Schema }): Schema {
  const options = first.schema.properties?.["options"] ?? {};
  const others = second.schema.properties?.["options"]?.properties ?? {};
  const own = options.properties ?? {};
  const only = (from: Readonly<Record<string, Schema>>, not: Readonly<Record<string, Schema>>, stage: string) =>
    Object.entries(from)
      .filter(([name]) => not[name] === undefined)
      .map(([name, one]): [string, Schema] => [
        name,
        { ...one, description: `Of ${stage} rails only. ${one.description ?? ""}` },
      ]);
  const all = {
    ...own,
    ...Object.fromEntries([...only(own, others, first.stages.join()), ...only(others, own, second.stage)]),
  };
  return { ...first.schema, properties: { ...first.schema.properties, options: { ...options, properties: all } } };
}

function railsText(rails: readonly Rail[]): readonly string[] {
  const [first] = rails;
  if (first === undefined) return [];
  const common = Object.entries(first.schema.properties ?? {}).filter(([name]) => name !== "options" && name !== "use");
  const shared = { ...first.schema, properties: Object.fromEntries(common) };
  return [
    "## Rails",
    "An entry of `input` or `output` is a name, or an object with `use`, what every rail takes, and `options`. What each rail finds is in [guardrails](guardrails.md).",
    "### What every rail takes",
    members("rail", shared, []),
    ...rails.flatMap(railText),
  ];
}

function railText({ use, stages, schema }: Rail): readonly string[] {
  const { options } = schema.properties ?? {};
  const what = schema.properties?.["use"]?.description ?? "";
  const heading = `### ${code(use)}`;
  const where = `${what} Stages: ${stages.join(", ")}.`;
  if (Object.keys(options?.properties ?? {}).length === 0) return [heading, `${where} No options.`];
  const nested = sectionsOf(`${use}.options`, options ?? {});
  return [
    heading,
    where,
    ...nested.flatMap((section, at) => [
      ...(at === 0 ? [] : [`#### ${code(section.path)}`]),
      members(section.path, section.schema, nested),
    ]),
  ];
}
