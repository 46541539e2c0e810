import { describe, expect, test } from "vitest";
import { programs, ranks } from "./arrows.ts";
import { importsOf, type SourceFile } from "./imports.ts";
import { maskSource } from "./mask.ts";
import { checkRepository, FILE_LINES_MAX, type RuleName, SIZE_REASON_LINES } from "./rules.ts";
import { readTree } from "./tree.ts";

/** What the checker says about one file, as rule and line. */
function said(path: string, text: string, others: readonly SourceFile[] = []): readonly string[] {
  return checkRepository([{ path, text }, ...others])
    .filter((violation) => violation.path === path)
    .map(({ rule, line }) => `${rule}:${line}`);
}

const linesOf = (count: number): string => "export const x = 1;\n".repeat(count);

test("the repository keeps its rules", () => {
  const violations = checkRepository(readTree());
  expect(violations.map(({ path, line, rule, message }) => `${path}:${line} ${rule}: ${message}`)).toEqual([]);
});

test("no room has two rows in the arrow table", () => {
  const rooms = [...ranks.flat(), ...programs].map(({ room }) => room);
  expect(new Set(rooms).size).toBe(rooms.length);
});

describe("a planted violation is found", () => {
  const samples: readonly (readonly [string, RuleName, string, string])[] = [
    [
      "a core imports what is above it",
      "import-arrow",
      "src/routing/core/a.ts",
      `import { x } from "../../wire/x.ts";`,
    ],
    ["a core imports another core", "import-arrow", "src/rails/core/a.ts", `import { x } from "../../jobs/core/x.ts";`],
    ["a core imports a package", "import-arrow", "src/lib/a.ts", `import { z } from "zod";`],
    ["a core imports a type of Node", "import-arrow", "src/jobs/core/a.ts", `import type { X } from "node:fs";`],
    ["a core imports dynamically", "import-arrow", "src/lib/a.ts", `export const x = import("zod");`],
    ["the config imports the wire", "import-arrow", "src/config/a.ts", `import { x } from "../wire/x.ts";`],
    [
      "dispatch imports a type of the gateway",
      "import-arrow",
      "src/dispatch/a.ts",
      `import type { P } from "../gateway/p.ts";`,
    ],
    ["dispatch imports Node", "import-arrow", "src/dispatch/a.ts", `import { join } from "node:path";`],
    [
      "dispatch imports the shard, which is of its rank",
      "import-arrow",
      "src/dispatch/a.ts",
      `import type { P } from "../routing/object/p.ts";`,
    ],
    ["the gateway imports the entry", "import-arrow", "src/gateway/a.ts", `import { P } from "../worker.ts";`],
    ["the house imports a tool", "import-arrow", "src/gateway/a.ts", `import { x } from "../../tools/cli/x.ts";`],
    [
      "the simulator imports the gateway",
      "import-arrow",
      "tools/sim/a.ts",
      `import { x } from "../../src/gateway/x.ts";`,
    ],
    ["the simulator imports Node", "import-arrow", "tools/sim/a.ts", `import { x } from "node:fs";`],
    [
      "an adapter imports the GPU simulator",
      "import-arrow",
      "backends/a.ts",
      `import { x } from "./gpu-simulator/x.ts";`,
    ],
    [
      "the GPU simulator imports an adapter",
      "import-arrow",
      "backends/gpu-simulator/a.ts",
      `import { x } from "../x.ts";`,
    ],
    ["a re-export crosses", "import-arrow", "src/lib/a.ts", `export { x } from "../wire/x.ts";\nexport const y = 1;`],
    ["a folder that the table lacks", "import-arrow", "src/new/a.ts", `import { x } from "./b.ts";`],
    ["a barrel by name", "barrel", "src/lib/index.ts", `export const x = 1;`],
    [
      "a barrel by content",
      "barrel",
      "src/lib/a.ts",
      `/** All. */\nexport { x } from "./b.ts";\nexport * from "./c.ts";`,
    ],
    [
      "a barrel that imports first",
      "barrel",
      "src/lib/a.ts",
      `import { x } from "./b.ts";\nexport { x };\nexport type { Y } from "./b.ts";`,
    ],
    ["a clock in core", "core-purity", "src/lib/a.ts", `export const x = () => Date.now();`],
    ["chance in core", "core-purity", "src/lib/a.ts", `export const x = () => Math.random();`],
    ["waiting in core", "core-purity", "src/lib/a.ts", `export async function x() {}`],
    ["a timer in core", "core-purity", "src/lib/a.ts", `export const x = () => setTimeout(() => {}, 1);`],
    ["printing in core", "core-purity", "src/lib/a.ts", `export const x = () => console.log(1);`],
    ["impurity inside a template", "core-purity", "src/lib/a.ts", "export const x = () => `at ${Date.now()}`;"],
    ["a spread of something impure", "core-purity", "src/lib/a.ts", `export const x = [...crypto.x];`],
    [
      "a refusal that becomes an answer before the door",
      "early-answer",
      "src/gateway/a.ts",
      `import { refuse } from "../wire/refuse.ts";\nexport const x = refuse;`,
    ],
    [
      "an error's body made by hand",
      "early-answer",
      "src/rails/a.ts",
      `import { errorBody } from "../wire/error-body.ts";\nexport const x = errorBody;`,
    ],
    [
      "an attempt settled by hand",
      "dispatch-door",
      "src/gateway/a.ts",
      `import { endAttempt } from "../dispatch/attempt-end.ts";\nexport const x = endAttempt;`,
    ],
    ["a text as markup on the page", "markup", "dashboard/a.tsx", `export const x = (n) => (n.innerHTML = "");`],
    [
      "a text as markup by a property",
      "markup",
      "dashboard/b.tsx",
      `export const X = () => <p dangerouslySetInnerHTML={{ __html: "" }} />;`,
    ],
    ["a text as code on the page", "markup", "dashboard/a.ts", `export const x = (t) => eval(t);`],
    ["a raw fetch at the edge", "raw-fetch", "src/gateway/a.ts", `export const x = () => fetch("https://a.example");`],
    ["a raw fetch in an adapter", "raw-fetch", "backends/a.ts", `export const x = (y) => (y ? fetch(y) : undefined);`],
    ["the global's fetch", "raw-fetch", "src/routing/object/a.ts", `export const x = globalThis.fetch;`],
    ["the global's fetch by a string", "raw-fetch", "src/dispatch/a.ts", `export const x = self["fetch"];`],
    ["the global taken apart", "raw-fetch", "src/dispatch/a.ts", `export const { fetch: x } = globalThis;`],
    ["a fetch by another name", "raw-fetch", "src/gateway/a.ts", `export const x = fetch;`],
    ["a fetch handed on", "raw-fetch", "src/rails/a.ts", `export const x = (y, z = fetch) => z(y);`],
    ["a fetch as a member", "raw-fetch", "src/rails/a.ts", `export const x = { fetch };`],
    ["a socket of the web", "raw-fetch", "src/jobs/a.ts", `export const x = new WebSocket("wss://a.example");`],
    ["a raw fetch in a job", "raw-fetch", "src/jobs/a.ts", `export const x = () => fetch("https://a.example");`],
    [
      "a bearer token made at the edge",
      "credential",
      "src/gateway/a.ts",
      "export const x = (key: string) => `Bearer ${key}`;",
    ],
    [
      "an endpoint's credential read",
      "credential",
      "src/routing/object/a.ts",
      `export const x = (t) => t.authorization;`,
    ],
    ["its probe's credential read", "credential", "backends/a.ts", `export const x = ({ healthAuthorization }) => 1;`],
    ["a credential among headers", "credential", "src/jobs/a.ts", `export const x = (y) => ({ authorization: y });`],
    ["a credential set", "credential", "src/gateway/a.ts", `export const x = (h) => h.set("authorization", "y");`],
    ["a quoted name among headers", "credential", "src/gateway/a.ts", `export const x = { "Authorization": "y" };`],
    ["a default export", "default-export", "src/lib/a.ts", `export default 1;`],
    ["a renamed default export", "default-export", "src/lib/a.ts", `const x = 1;\nexport { x as default };`],
    ["utils.ts", "file-name", "src/lib/utils.ts", `export const x = 1;`],
    ["helpers.ts", "file-name", "test/support/helpers.ts", `export const x = 1;`],
    ["as any", "any", "src/lib/a.ts", `export const x = 1 as any;`],
    [": any", "any", "src/lib/a.ts", `export function x(y: any) {}`],
    ["any in brackets", "any", "src/lib/a.ts", `export type X = Map<string, any>;`],
    ["any[]", "any", "src/lib/a.ts", `export type X = any[];`],
    ["unfinished work", "unfinished", "src/lib/a.ts", `// TODO: later`],
    ["unfinished work in a page", "unfinished", "docs/a.md", `FIXME`],
    ["a home folder", "machine-path", "docs/a.md", `Open /home/someone/file.`],
    ["a work folder", "machine-path", "tools/cli/a.ts", `export const x = "/work/here";`],
    ["a link to nothing", "broken-link", "docs/a.md", `See [it](./missing.md#part).`],
    ["a reference to nothing", "broken-link", "docs/a.md", `See [it].\n\n[it]: ../missing.md`],
    ["a document that is not here", "citation", "src/lib/a.ts", `// Source: docs/missing.md.\nexport const x = 1;`],
    [
      "a document of somewhere else",
      "citation",
      "src/lib/a.ts",
      `// Source: design.md section 4.\nexport const x = 1;`,
    ],
    ["a link to no heading", "broken-link", "docs/a.md", `# Part\n\nSee [it](#parts).`],
    ["a command that nobody tries", "unmarked-block", "docs/a.md", "```sh\nnpm test\n```"],
    ["a config that nobody reads", "unmarked-block", "docs/a.md", "```jsonc\n{}\n```"],
    ["a link from the root to nothing", "broken-link", "docs/a.md", `See [it](/docs/missing.md).`],
  ];

  test.each(samples)("%s", (_, rule, path, text) => {
    expect(said(path, text).map((found) => found.split(":")[0])).toEqual([rule]);
  });

  test("a cycle of three files is told once, from its first file", () => {
    const cycle = ["c", "a", "b"].map((name, index, names) => ({
      path: `src/lib/${name}.ts`,
      text: `import { x } from "./${names[(index + 1) % 3]}.ts";\nexport const y = x;`,
    }));
    const found = checkRepository(cycle).filter(({ rule }) => rule === "import-cycle");
    expect(found.map(({ message }) => message)).toEqual([
      "src/lib/a.ts -> src/lib/b.ts -> src/lib/c.ts -> src/lib/a.ts",
    ]);
  });

  test("a cycle of types is one too: it is one thing in two places", () => {
    const cycle = ["a", "b"].map((name, index) => ({
      path: `src/lib/${name}.ts`,
      text: `import type { X } from "./${["a", "b"][(index + 1) % 2]}.ts";\nexport type Y = X;`,
    }));
    expect(checkRepository(cycle).map(({ rule }) => rule)).toEqual(["import-cycle"]);
  });

  test("a citation of a section that the document lacks", () => {
    const document = { path: "docs/sources.md", text: "# Sources\n\n## Bounds\n" };
    const cite = (section: string) =>
      said("src/lib/a.ts", `// docs/sources.md, ${section}: why\nexport const x = 1;`, [document]);
    expect(cite("Bounds")).toEqual([]);
    expect(cite("Elsewhere")).toEqual(["citation:1"]);
  });

  test("a violation is reported at its line", () => {
    expect(said("src/lib/a.ts", `// one\n\nexport const x = Date.now();`)).toEqual(["core-purity:3"]);
  });
});

describe("what only looks like a violation is left alone", () => {
  test.each([
    ["a word in a comment", "src/lib/a.ts", `// Date.now() and await\n/* fetch( */\nexport const x = 1;`],
    ["a word in a string", "src/lib/a.ts", `export const x = "await fetch(y) as any";`],
    ["a word in a template", "src/lib/a.ts", "export const x = (y: string) => `Date ${y} console.log`;"],
    ["a word in a regular expression", "src/lib/a.ts", `export const x = /Date|"crypto/.test("");`],
    ["a property of that name", "src/lib/a.ts", `export const x = (y: { fetch: number }) => y.fetch;`],
    ["a longer identifier", "src/lib/a.ts", `export const updatedDate = 1;\nexport const awaiting = updatedDate;`],
    [
      "the gateway importing a room far below",
      "src/gateway/a.ts",
      `import type { P } from "../routing/core/p.ts";\nexport type Q = P;`,
    ],
    [
      "the entry re-exporting an object",
      "src/worker.ts",
      `export { P } from "./routing/object/p.ts";\nexport default {};`,
    ],
    [
      "the one import of the bundled config",
      "src/config/env.ts",
      `import t from "../../warmpath.jsonc";\nexport const x = t;`,
    ],
    ["a subpath of an allowed package", "src/config/a.ts", `import { z } from "zod/mini";\nexport const x = z;`],
    [
      "a refusal's type",
      "src/gateway/a.ts",
      `import type { Refusal } from "../wire/refusal.ts";\nexport type X = Refusal;`,
    ],
    ["the handler's own method", "src/worker.ts", `export default { async fetch(request) { return request; } };`],
    [
      "a method named fetch in a type",
      "src/routing/object/a.ts",
      `export type F = { fetch(url: string): Promise<Response> };`,
    ],
    [
      "an injected fetcher",
      "src/routing/object/a.ts",
      `export const x = (egress: F) => egress.fetch("https://a.example");`,
    ],
    ["a client's credential read", "src/gateway/a.ts", `export const x = (h: Headers) => h.get("authorization");`],
    ["the names of headers", "src/gateway/a.ts", `export const x = ["authorization", "x-api-key"];`],
    [
      "a credential in a comment",
      "src/gateway/a.ts",
      "// `authorization: Bearer ${key}` is the egress's\nexport const x = 1;",
    ],
    [
      "a credential to be struck out",
      "src/gateway/a.ts",
      "export const x = (t: Target) => failureText(y, t.authorization);",
    ],
    [
      "a credential in the egress",
      "backends/egress.ts",
      "export const x = (y: string) => ({ authorization: `Bearer ${y}` });",
    ],
    ["a raw fetch in the egress", "backends/egress.ts", `export const x = () => fetch("https://a.example");`],
    ["a raw fetch in a test", "test/edge/a.test.ts", `await fetch("http://127.0.0.1");`],
    ["a re-export beside code of its own", "src/lib/a.ts", `export { x } from "./b.ts";\nexport const y = 1;`],
    ["Promise.any, and a variable named any", "test/a.ts", `Promise.any([]);\nconst any = [1].some(Boolean);`],
    ["a path of an API", "docs/a.md", "GET https://a.example/home/x and src/work/a.ts"],
    ["a link in a code block", "docs/a.md", "```md\n[it](./missing.md)\n```\nand `[it](./missing.md)`"],
    ["links to elsewhere", "docs/a.md", "[a](https://a.example/b.md#part) [b](mailto:a@a.example)"],
    ["links that exist", "docs/a.md", "# Part\n[a](./a.md) [b](../docs/) [c](/docs/a.md#part) [d](..) [e](#part)"],
  ])("%s", (_, path, text) => {
    expect(said(path, text)).toEqual([]);
  });
});

describe("a shell that the simulator runs", () => {
  const router = {
    path: "tools/sim/production/router.ts",
    text: `import { run } from "../../../src/dispatch/run.ts";`,
  };
  const run = { path: "src/dispatch/run.ts", text: `export const run = async () => import("./lazy.ts");` };

  test.each([
    ["takes time from the platform", `export const now = () => Date.now();`],
    ["takes chance from the platform", `export const draw = () => Math.random();`],
    ["sets a timer of the platform", `export const later = (fn) => setTimeout(fn, 1);`],
    ["waits on the platform's scheduler", `export const wait = async () => scheduler.wait(1);`],
  ])("is told when it %s, also in a part that is loaded late", (_, text) => {
    expect(said("src/dispatch/lazy.ts", text, [router, run])).toContain("simulated-time:1");
    expect(said("src/dispatch/lazy.ts", text, [run])).not.toContain("simulated-time:1");
  });
});

describe("the length of a file", () => {
  const reason = "// size: one table that is read as a whole\n";

  test.each([
    ["at the bound", linesOf(FILE_LINES_MAX), []],
    ["one line more", linesOf(FILE_LINES_MAX + 1), [`file-length:${FILE_LINES_MAX + 1}`]],
    ["one line more, with a reason", reason + linesOf(FILE_LINES_MAX), []],
    ["a reason on the last line that counts", linesOf(SIZE_REASON_LINES - 1) + reason + linesOf(FILE_LINES_MAX), []],
    [
      "a reason one line too late",
      linesOf(SIZE_REASON_LINES) + reason + linesOf(FILE_LINES_MAX),
      [`file-length:${FILE_LINES_MAX + 1}`],
    ],
    ["a reason that is empty", `// size:\n${linesOf(FILE_LINES_MAX)}`, [`file-length:${FILE_LINES_MAX + 1}`]],
  ])("%s", (_, text, expected) => {
    expect(said("src/lib/a.ts", text)).toEqual(expected);
  });
});

describe("blanking what is not code", () => {
  test.each([
    ["a line comment", `a // b\nc`, `a     \nc`],
    ["a block comment keeps its lines", `a /* b\n */ c`, `a     \n    c`],
    ["an escaped quote", String.raw`x("a\"b") + y`, `x("    ") + y`],
    ["a nested template", "x(`a${y(`b${z}`)}c`)", "x(` ${y(` ${z}`)} `)"],
    ["a brace inside a substitution", "`${{ a: 1 }.a} b`; c", "`${{ a: 1 }.a}  `; c"],
    ["a quote in a regular expression", `x = /["/]/g; y`, `x = /    /g; y`],
    ["a division", `a / b / "c"`, `a / b / " "`],
    ["a comment that never ends", `a /* b`, `a     `],
    ["a string that never ends", `a "b\nc`, `a " \nc`],
  ])("%s", (_, text, expected) => {
    expect(maskSource(text)).toBe(expected);
  });
});

test("imports of every form are read, with their kind", () => {
  const text = [
    `import a, { b } from "./b.ts";`,
    `import type { C } from "../c.ts";`,
    `import "side-effect";`,
    `import {\n  type D,\n  type E,\n} from "d";`,
    `export * from "./f.ts";`,
    `const g = await import("node:g");`,
    `export const from = "not-an-import";`,
    `// import x from "comment";`,
  ].join("\n");
  const found = importsOf({ path: "src/x/a.ts", text });
  expect(
    found.map(({ specifier, target, typeOnly, reExport, line }) => [specifier, target, typeOnly, reExport, line]),
  ).toEqual([
    ["./b.ts", "src/x/b.ts", false, false, 1],
    ["../c.ts", "src/c.ts", true, false, 2],
    ["side-effect", undefined, false, false, 3],
    ["d", undefined, true, false, 7],
    ["./f.ts", "src/x/f.ts", false, true, 8],
    ["node:g", undefined, false, false, 9],
  ]);
});
