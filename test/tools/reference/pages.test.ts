import { describe, expect, test } from "vitest";
import { configJsonSchema } from "../../../src/config/config-issue.ts";
import { commandsReference } from "../../../tools/reference/commands-page.ts";
import { configReference } from "../../../tools/reference/config-page.ts";
import type { Schema } from "../../../tools/reference/config-page.ts";
import { headersReference } from "../../../tools/reference/headers-page.ts";
import { llmsText } from "../../../tools/reference/llms-page.ts";
import { PAGES } from "../../../tools/reference/main.ts";
import { anchorOf } from "../../../tools/reference/page.ts";
import { routesReference } from "../../../tools/reference/routes-page.ts";

describe("the page of the config", () => {
  test("has every member of the schema, at any depth", () => {
    const text = configReference(configJsonSchema() as Schema);
    const told = new Set([...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name));
    const wanted = namesIn(configJsonSchema() as Schema);
    expect(wanted.size).toBeGreaterThan(100);
    expect([...wanted].filter((name) => !told.has(name))).toEqual([]);
  });

  test("tells type, unit, range and default in columns of their own", () => {
    const text = configReference({
      properties: {
        waitMs: {
          type: "integer",
          minimum: 1,
          maximum: 60_000,
          default: 5,
          description: "A wait, ms, 1 to 60000. Default 5: short.",
        },
        share: { type: "number", exclusiveMinimum: 0, maximum: 1, description: "A share." },
        names: { type: "array", maxItems: 3, items: { type: "string" }, description: 'Names, "a|b".' },
      },
      required: ["share"],
    });
    expect(text).toContain("| `waitMs` | ms, 1 to 60,000 | `5` | A wait. Default 5: short. |");
    expect(text).toContain("| `share` | number, above 0 to 1 | *required* | A share. |");
    expect(text).toContain('| `names` | list of string, at most 3 | – | Names, "a\\|b". |');
  });

  test("tells objects of one shape once", () => {
    const auth: Schema = { type: "object", properties: { secret: { type: "string" } } };
    const text = configReference({ properties: { first: auth, second: auth } });
    expect(text.match(/\| `secret` \|/g)).toHaveLength(1);
    expect(text).toContain("| `second` | object ([`first`](#first)) |");
  });
});

/** Rails' `use` stands in a heading, and `options` is told by its members. */
function namesIn(schema: Schema): ReadonlySet<string> {
  const own = Object.keys(schema.properties ?? {}).filter((name) => name !== "use" && name !== "options");
  const named = schema.additionalProperties;
  const inner = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...(schema.items === undefined ? [] : [schema.items]),
    ...(typeof named === "object" ? [named] : []),
  ];
  return new Set([...own, ...inner.flatMap((one) => [...namesIn(one)])]);
}

describe("what nobody has written a line for is an error", () => {
  test("a script of package.json, and a line for one that is gone", () => {
    const scripts = Object.fromEntries(
      [...pageText("docs/reference/commands.md").matchAll(/^\| `npm (?:run )?([\w:]+)` \|/gm)].map(([, name]) => [
        name,
        "",
      ]),
    );
    expect(() => commandsReference(scripts)).not.toThrow();
    expect(() => commandsReference({ ...scripts, "test:new": "" })).toThrow("test:new");
    const { serve: _, ...rest } = scripts;
    expect(() => commandsReference(rest)).toThrow("serve");
  });

  test("a header of ours", () => {
    expect(() => headersReference([`const NEW = "x-warmpath-new-thing";`])).toThrow("x-warmpath-new-thing");
  });

  test.each([
    ["a path of the router", { router: `["/admin/new", { method: "GET" }]`, jobs: "", access: "" }, "/admin/new"],
    [
      "a pattern of the router",
      { router: `.get("/admin/endpoints/:id/new", x)`, jobs: "", access: "" },
      "/admin/endpoints/:id/new",
    ],
    [
      "an operation of jobs",
      { router: "", jobs: `  ["job-new", route("GET", null, 1, worker.take)],`, access: "" },
      "/v2/:pool/job-new",
    ],
    [
      "an order about keys",
      { router: "", jobs: "", access: `{ method: "POST", path: "/admin/keys/{id}/new", handle }` },
      "/admin/keys/{id}/new",
    ],
  ])("%s", (_, sources, path) => {
    expect(() => routesReference(sources)).toThrow(path);
  });
});

function pageText(path: string): string {
  return PAGES.find((page) => page.path === path)?.text() ?? "";
}

test.each([
  ["What is stored", "what-is-stored"],
  ["`pools.*.endpoints[]`", "poolsendpoints"],
  ["`PoolShard`, one per pool", "poolshard-one-per-pool"],
  ["Who goes first?", "who-goes-first"],
])("the anchor of %s", (heading, anchor) => {
  expect(anchorOf(heading)).toBe(anchor);
});

test("llms.txt has the index, and a page that it does not name by its path", () => {
  const index = "# Documents\n\n## How-to\n\n- [A](how-to/a.md): one.\n";
  expect(llmsText(index, ["how-to/a.md"])).toContain(`## How-to\n\n- [A](${"docs"}/how-to/a.md): one.`);
  expect(llmsText(index, ["how-to/a.md", "how-to/b.md"])).toContain("## More\n\n- [how-to/b.md](");
});
