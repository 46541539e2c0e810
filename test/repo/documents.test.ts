/**
 * What the documents say and nobody runs: commands that take minutes, an account or another machine are looked up, and
 * configs are read by the reader that is meant.
 */
import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse as parseJsonc } from "jsonc-parser";
import { describe, expect, test } from "vitest";
import { formatProblems, parseConfig } from "../../src/config/config-parse.ts";
import { parseScenario } from "../../tools/sim/report/scenario-parse.ts";
import { anchorsOf, COMMAND_LANGUAGES, fenceProblem, fencesOf, JSON_LANGUAGES } from "./fences.ts";
import type { Fence } from "./fences.ts";
import { readTree } from "./tree.ts";

const root = join(import.meta.dirname, "../..");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
};

type Placed = Fence & { readonly path: string };

const fences: readonly Placed[] = readTree()
  .filter(({ path }) => path.endsWith(".md") && path !== "CHANGELOG.md")
  .flatMap(({ path, text }) => fencesOf(text).map((fence) => ({ ...fence, path })));
const titled = (one: Placed): [string, Placed] => [`${one.path}:${one.line}`, one];

describe("every command", () => {
  const commands = fences.filter(({ language }) => COMMAND_LANGUAGES.has(language));

  test("is in a block that the test found", () => {
    expect(commands.length).toBeGreaterThan(20);
  });

  test.each(commands.map(titled))("of %s is one", (_, { text }) => {
    execFileSync("bash", ["-n", "-c", text]);
    expect(problemsOf(text)).toEqual([]);
  });
});

/** Scripts, files and options that are not there. */
function problemsOf(text: string): readonly string[] {
  const joined = text.replaceAll("\\\n", " ");
  return joined.split("\n").flatMap((line) => {
    const [, shorthand, name = shorthand ?? ""] = /\bnpm (?:(start|test)\b|run (?:-s )?([\w:]+))/.exec(line) ?? [];
    if (name === "" || name === "ci") return [];
    const script = scripts[name];
    if (script === undefined) return [`npm run ${name}`];
    const [after = ""] = / (?:--|#) .*/.exec(line) ?? [];
    const options = [...after.matchAll(/(?<=\s|^|;)--([a-z][a-z-]*)/g)].map(([, option = ""]) => option);
    const source = sourceOf(script);
    return options.filter((option) => !hasOption(source, option)).map((option) => `npm run ${name}: --${option}`);
  });
}

/** The script's file, and what lies beside and below it. */
function sourceOf(script: string): string {
  const [file] = /[\w./-]+\.ts/.exec(script) ?? [];
  if (file === undefined) return "";
  const files = globSync("**/*.ts", { cwd: join(root, dirname(file)) });
  return files.map((one) => readFileSync(join(root, dirname(file), one), "utf8")).join("\n");
}

const hasOption = (source: string, option: string): boolean =>
  new RegExp(`["'\`]${option}["'\`]|--${option}\\b|^\\s+${option}:`, "m").test(source);

describe("every config", () => {
  const configs = fences.filter(({ language }) => JSON_LANGUAGES.has(language));

  test("is in a block that the test found", () => {
    expect(configs.length).toBeGreaterThan(5);
  });

  test.each(configs.filter(({ mark }) => mark === "config" || mark === "pool").map(titled))(
    "of %s is one",
    (_, { text, mark }) => {
      const members = membersOf(text);
      const whole = mark === "pool" ? `"pools": { "of-the-page": { ${ENDPOINTS}, ${members}\n} }` : members;
      const source = `{ ${withoutNames(whole)}\n}`;
      const parsed = parseConfig(source);
      expect(parsed.ok ? "" : formatProblems(source, parsed.error, "page")).toBe("");
    },
  );

  test.each(configs.filter(({ mark }) => mark === "scenario").map(titled))("of %s is a scenario", (_, { text }) => {
    expect(parseScenario(text, "page")).toMatchObject({ ok: true });
  });
});

const ENDPOINTS = `"endpoints": [{ "id": "e", "region": "home", "backend": "openai", "url": "https://gpu.test.internal" }]`;
const REGIONS = `"regions": { "home": { "lat": 50.1, "lon": 8.7, "hint": "weur" } }`;

/** A page shortens: `[ … ]` is what another page shows. */
function membersOf(text: string): string {
  const shown = text.trim().replaceAll(/"endpoints": \[ … \]/g, ENDPOINTS);
  return shown.startsWith("{") ? shown.slice(1, -1).replace(/,\s*$/, "") : shown;
}

/** What a config cannot be without, where the page leaves it out. */
function withoutNames(members: string): string {
  const pools = members.includes(`"pools"`) ? [] : [`"pools": { "of-the-page": { ${ENDPOINTS} } }`];
  const regions = members.includes(`"regions"`) ? [] : [REGIONS];
  const { tenants = {}, keys } = parseJsonc(`{ ${members}\n}`) as {
    readonly tenants?: object;
    readonly keys?: unknown;
  };
  const owners = keys === undefined ? Object.keys(tenants) : [];
  const entries = owners.map((tenant, at) => ({ id: `key-${at}`, tenant, hmac: "0".repeat(64) }));
  return [...regions, ...pools, ...(entries.length > 0 ? [`"keys": ${JSON.stringify(entries)}`] : []), members].join(
    ", ",
  );
}

describe("a block", () => {
  const marked = (info: string) => fencesOf(`text\n\n\`\`\`${info}\nx\n\`\`\`\n`).map(fenceProblem);

  test.each(["sh run", "sh run name", "bash long", "jsonc config", "json shape", "js", "text", "ts any"])(
    "of %s is marked",
    (info) => {
      expect(marked(info)).toEqual([null]);
    },
  );

  test.each(["sh", "sh tested", "console", "jsonc", "json run"])("of %s is not", (info) => {
    expect(marked(info)).toEqual([expect.stringContaining("say what is done")]);
  });
});

test("a command that is not there is told, with its options", () => {
  expect(
    problemsOf("npm run nothing\nnpm run serve -- --port 1 --nothing\nnpm run sim   # --nobody, --seeds 2"),
  ).toEqual(["npm run nothing", "npm run serve: --nothing", "npm run sim: --nobody"]);
});

test("headings of one name have anchors of their own", () => {
  expect([...anchorsOf(["Limits", "Limits", "`a` and [b](c.md)"])]).toEqual(["limits", "limits-1", "a-and-b"]);
});

test("the wrangler that pages name is installed", () => {
  expect(existsSync(join(root, "node_modules/.bin/wrangler"))).toBe(true);
});
