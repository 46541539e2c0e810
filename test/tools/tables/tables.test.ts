import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { writeOrCheck } from "../../../tools/cli/generated.ts";
import { TABLES } from "../../../tools/tables/main.ts";

const root = join(import.meta.dirname, "../../..");

test("the committed tables are what the packages say", () => {
  expect(writeOrCheck(TABLES, "npm run tables", ["--check"], root)).toMatchObject({ exitCode: 0, err: "" });
});

test.each(TABLES.map(({ path }) => path))("a change of %s by hand is noticed, and written over", (path) => {
  const folder = mkdtempSync(join(tmpdir(), "warmpath-tables-"));
  try {
    for (const table of TABLES) {
      mkdirSync(dirname(join(folder, table.path)), { recursive: true });
      cpSync(join(root, table.path), join(folder, table.path));
    }
    const run = (...args: string[]) => writeOrCheck(TABLES, "npm run tables", args, folder);
    expect(run("--check").exitCode).toBe(0);
    writeFileSync(join(folder, path), "export {};\n");
    expect(run("--check")).toMatchObject({ exitCode: 1, err: expect.stringContaining(path) });
    expect(run().exitCode).toBe(0);
    expect(run("--check").exitCode).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
