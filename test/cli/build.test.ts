import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BUNDLE_GZIP_BYTES_MAX, buildWorker, sizeReport } from "../../src/cli/build.ts";
import { startWorkerd } from "../../src/cli/workerd.ts";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "warmpath-test-"));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("bundling", () => {
  test("the bundle runs on workerd, with the config as text and the runtime's modules left to the runtime", async () => {
    writeFileSync(join(dir, "config.jsonc"), `{ "é": 1 } // as it is`);
    const entry = join(dir, "entry.ts");
    writeFileSync(
      entry,
      `import { env } from "cloudflare:workers";
       import text from "./config.jsonc";
       export default { fetch: (): Response => new Response(text + env.SUFFIX) };`,
    );
    const outfile = join(dir, "out/worker.js");
    const size = await buildWorker({ entry, outfile });
    expect(size.bytes).toBe(readFileSync(outfile).byteLength);

    const workerd = await startWorkerd({ script: readFileSync(outfile, "utf8"), bindings: { SUFFIX: "!" } });
    const answer = await fetch(workerd.url).then((response) => response.text());
    await workerd.stop();
    expect(answer).toBe(`{ "é": 1 } // as it is!`);
  });

  test("what is imported later is a part of its own, which workerd finds, and which does not count at the start", async () => {
    const entry = join(dir, "entry.ts");
    writeFileSync(join(dir, "later.ts"), `export const text: string = ${JSON.stringify("later ".repeat(5_000))};`);
    writeFileSync(
      entry,
      `export class PoolShard {}
       export default { fetch: async () => new Response((await import("./later.ts")).text.slice(0, 5)) };`,
    );
    const outfile = join(dir, "out/worker.js");
    const stale = join(dir, "out/part-STALE.js");
    mkdirSync(join(dir, "out"));
    writeFileSync(stale, "");
    const size = await buildWorker({ entry, outfile });
    expect(existsSync(stale)).toBe(false);
    // The entry and the one piece that it shares with the part; the text of the part is much longer.
    expect(size.bytes).toBeLessThan(1_000);
    expect(size.laterGzipBytes).toBeGreaterThan(0);
    expect(sizeReport(size).line).toMatch(/gzipped that are loaded when needed$/);

    const workerd = await startWorkerd({ bundlePath: outfile, className: "PoolShard" });
    const answer = await fetch(workerd.url).then((response) => response.text());
    await workerd.stop();
    expect(answer).toBe("later");
  });

  test("a source map lies beside the bundle", async () => {
    const entry = join(dir, "entry.ts");
    writeFileSync(entry, `export default { fetch: () => new Response("x") };`);
    await buildWorker({ entry, outfile: join(dir, "worker.js") });
    const map: unknown = JSON.parse(readFileSync(join(dir, "worker.js.map"), "utf8"));
    expect(map).toMatchObject({ version: 3, sourcesContent: [readFileSync(entry, "utf8")] });
  });
});

describe("the size budget", () => {
  test.each([
    ["at the budget", BUNDLE_GZIP_BYTES_MAX, true],
    ["one byte over", BUNDLE_GZIP_BYTES_MAX + 1, false],
  ])("%s", (_, gzipBytes, withinBudget) => {
    const report = sizeReport({ bytes: 3 * gzipBytes, gzipBytes, laterGzipBytes: 0 });
    expect(report.withinBudget).toBe(withinBudget);
    expect(report.line.includes("OVER BUDGET")).toBe(!withinBudget);
  });
});
