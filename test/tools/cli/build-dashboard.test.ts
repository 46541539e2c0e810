import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  buildDashboard,
  DASHBOARD_GZIP_BYTES_MAX,
  dashboardReport,
  pageOf,
} from "../../../tools/cli/build-dashboard.ts";

test.each([
  [DASHBOARD_GZIP_BYTES_MAX, true],
  [DASHBOARD_GZIP_BYTES_MAX + 1, false],
])("of %d bytes gzipped it is %s that the page keeps its budget", (gzipBytes, kept) => {
  const { line, withinBudget } = dashboardReport({ bytes: 200_000, gzipBytes });
  expect(withinBudget).toBe(kept);
  expect(line.includes("OVER BUDGET")).toBe(!kept);
});

test("a file that the page names and the build does not make is an error that names it", () => {
  expect(() => pageOf('<script src="main.js">', ["style-A.css"])).toThrow("main.js");
  expect(pageOf('<script src="main.js"><a href="https://a.example">', ["main-AB12.js"])).toBe(
    '<script src="/dashboard/main-AB12.js"><a href="https://a.example">',
  );
});

describe("the page as it is built", () => {
  const folder = mkdtempSync(join(tmpdir(), "warmpath-dashboard-"));
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  let gzipBytes = 0;
  beforeAll(async () => {
    writeFileSync(join(folder, "main-OLD1.js"), "");
    ({ gzipBytes } = await buildDashboard(folder));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("is one page with a script, a style and an icon, named by content, and nothing of an older build", () => {
    const names = readdirSync(folder).toSorted();
    expect(names).toEqual([
      expect.stringMatching(/^icon-[A-Z0-9]{8}\.svg$/),
      "index.html",
      expect.stringMatching(/^main-[A-Z0-9]{8}\.js$/),
      expect.stringMatching(/^style-[A-Z0-9]{8}\.css$/),
    ]);
    for (const name of names) if (name !== "index.html") expect(read("index.html")).toContain(`"/dashboard/${name}"`);
  });

  test("keeps its budget", () => expect(gzipBytes).toBeLessThanOrEqual(DASHBOARD_GZIP_BYTES_MAX));

  test("needs no inline script, no inline style and no other origin", () => {
    const page = read("index.html");
    expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
    const assets = readdirSync(folder).map(read).join("\n");
    const origins = [...assets.matchAll(/\bhttps?:\/\/[\w.-]+/g)].map(([origin]) => origin);
    // Names of namespaces, which nobody fetches.
    expect(origins.filter((origin) => origin !== "http://www.w3.org")).toEqual([]);
  });
});
