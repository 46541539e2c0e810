/** The documented tables: all that they name exists, small ones are small, and no figure is called better by luck. */
import { describe, expect, test } from "vitest";
import { ROUTERS } from "../../../tools/sim/policies/registry.ts";
import { readArgs } from "../../../tools/sim/report/args.ts";
import { routersOf } from "../../../tools/sim/report/cells.ts";
import { loadScenario } from "../../../tools/sim/report/files.ts";
import { cellsOf, TABLES, tableText, type Table } from "../../../tools/sim/report/tables.ts";
import { againstForm } from "../../../tools/sim/report/table-forms.ts";
import { simulate } from "../../../tools/sim/run.ts";
import { scenarioOf } from "./worlds.ts";

/** As if the worst were ours. */
const TURNED: Readonly<Record<string, string>> = {
  random: "warmpath",
  warmpath: "random",
  "least-outstanding": "least-outstanding",
};

const known = (name: string) => {
  const scenario = loadScenario(name);
  if (!scenario.ok) throw new Error(scenario.error);
  return scenario.value;
};

describe.each(TABLES.map((table) => [table.name, table] as const))("table %s", (_, table) => {
  test("names scenarios and policies that there are", () => {
    for (const name of table.scenarios) expect(known(name).name).toBe(name);
    const names = table.compared === "parts" ? [] : table.compared;
    expect(routersOf(names, table.staleMs)).toHaveLength(names.length);
  });

  test("is smaller than documented, unless the full size is asked for", () => {
    const small = cellsOf(table, { full: false, traces: "traces" }, known);
    const full = cellsOf(table, { full: true, traces: "traces" }, known);
    expect(full.map(({ seeds, requests }) => [seeds, requests])).toEqual(full.map(() => [table.seeds, table.requests]));
    const sizeOf = (cells: typeof small): number => cells.reduce((sum, one) => sum + one.seeds * one.requests, 0);
    expect(sizeOf(small)).toBeLessThan(sizeOf(full) / 2);
    expect(small.every(({ seed }) => seed === full[0]?.seed)).toBe(true);
  });

  test("leaves out what needs a trace where there is none", () => {
    const cells = cellsOf(table, { full: false, traces: null }, known);
    expect(cells.every(({ scenario }) => known(scenario).arrivals.kind !== "trace")).toBe(true);
  });
});

describe("a table", () => {
  const table: Table = { ...(TABLES[0] as Table), name: "own", title: "Own", scenarios: ["own"] };
  const resultOf = async (seeds: number) => {
    const scenario = scenarioOf({ endpoints: [{ region: "here", count: 4, slots: 2 }] });
    const routers = ROUTERS.filter(({ name }) => ["warmpath", "least-outstanding", "random"].includes(name));
    return simulate({ scenario, load: 0.8, routers, seed: 1, seeds, requests: 400, trace: null });
  };

  test("marks what is no difference, and what one seed cannot tell", { timeout: 60_000 }, async () => {
    const [many, one] = [await resultOf(6), await resultOf(1)];
    const rowOf = (text: string): readonly string[] => text.split("\n").at(-2)?.split(" | ") ?? [];
    const cells = rowOf(tableText(table, [many]));
    const columns = many.routers.map(({ name }) => name);
    expect(cells[2 + columns.indexOf("random")]).not.toContain("~");
    expect(cells[2 + columns.indexOf("warmpath")]).not.toContain("~");
    const alone = rowOf(tableText(table, [one]));
    for (const name of ["random", "least-outstanding"]) expect(alone[2 + columns.indexOf(name)]).toContain("~");
  });

  test(
    "names the best of the others, and those alone whose p99 is better beyond luck",
    { timeout: 60_000 },
    async () => {
      const against: Table = { ...table, forms: [againstForm] };
      const result = await resultOf(6);
      const row = tableText(against, [result]).split("\n").at(-2) ?? "";
      expect(row).toContain("| least-outstanding ");
      // Our trip to the shard is a tenth of a second there.
      expect(row).toMatch(/\| least-outstanding \|$/);
      const turned = { ...result, routers: result.routers.map((one) => ({ ...one, name: TURNED[one.name] ?? "" })) };
      expect(tableText(against, [turned]).split("\n").at(-2)).toMatch(/\| least-outstanding, random \|$/);
    },
  );

  test("without any result says why", () => {
    expect(tableText(table, [])).toContain("need --trace FOLDER");
  });
});

test.each([
  [["--tables", "all"], TABLES.length],
  [["--tables", "regions,swing", "--full"], 2],
])("%j asks for tables", (argv, count) => {
  const args = readArgs(argv);
  expect(args.ok && args.value.tables).toHaveLength(count);
  expect(args.ok && args.value.full).toBe(argv.includes("--full"));
});

test("a table that there is not is refused", () => {
  const args = readArgs(["--tables", "best"]);
  expect(args.ok ? "" : args.error).toContain("no such table: best. Known: all, reference");
});
