import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BUNDLE_GZIP_BYTES_MAX, buildWorker, sizeReport } from "../../../tools/cli/build.ts";
import { startWorkerd } from "../../../tools/cli/workerd.ts";

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

  test("what is loaded at start is in one piece, also where a part is read before anybody is seen to load it", async () => {
    const write = (name: string, text: string): void => writeFileSync(join(dir, `${name}.ts`), text);
    const steps = 20;
    // Found at once as a part of `first`, and as a part by itself only at the end of a long way.
    write("first", `import { both } from "./both.ts";\nexport const first = (): string => both();`);
    write("both", `import { shared } from "./shared.ts";\nexport const both = (): string => shared;`);
    write("shared", `export const shared: string = ${JSON.stringify("shared ".repeat(50))};`);
    for (let step = 0; step < steps; step += 1) write(`step${step}`, `export * from "./step${step + 1}.ts";`);
    write(`step${steps}`, `export const load = async (): Promise<string> => (await import("./both.ts")).both();`);
    write(
      "entry",
      `import { shared } from "./shared.ts";
       import { load } from "./step0.ts";
       const all = async (): Promise<string> => shared + (await load()) + (await import("./first.ts")).first();
       export default { fetch: async () => new Response(await all()) };`,
    );
    const outfile = join(dir, "out/worker.js");
    await buildWorker({ entry: join(dir, "entry.ts"), outfile });
    const atStart = new Set(["worker.js"]);
    for (const name of atStart) {
      const text = readFileSync(join(dir, "out", name), "utf8");
      for (const [, part = ""] of text.matchAll(/(?:from|import) ?"\.\/(part-\w+\.js)"/g)) atStart.add(part);
    }
    expect(atStart.size).toBe(2);
  });

  test("what the entry imports counts at the start, in whichever file it is", async () => {
    const entry = join(dir, "entry.ts");
    const outfile = join(dir, "out/worker.js");
    writeFileSync(join(dir, "shared.ts"), `export const shared: string = "${"shared ".repeat(5_000)}";`);
    writeFileSync(
      join(dir, "later.ts"),
      `import { shared } from "./shared.ts"; export const later = shared + "later";`,
    );
    writeFileSync(
      entry,
      `import { shared } from "./shared.ts";
       export default { fetch: async () => new Response(shared + (await import("./later.ts")).later) };`,
    );
    const size = await buildWorker({ entry, outfile });
    expect(readFileSync(outfile).byteLength).toBeLessThan(1_000);
    expect(size.bytes).toBe(bytesOfGraph(join(dir, "out"), "worker.js"));
    expect(size.bytes).toBeGreaterThan(35_000);
  });

  test("with the config of its bundle an isolate is ready with nothing but what is loaded at start", async () => {
    const folder = join(dir, "out");
    await buildWorker({ outfile: join(folder, "worker.js") });
    const atStart = new Set<string>();
    bytesOfGraph(folder, "worker.js", atStart);
    for (const name of readdirSync(folder)) if (!atStart.has(name)) rmSync(join(folder, name));
    const router = await startWorkerd({
      bundlePath: join(folder, "worker.js"),
      bindings: { RUNPOD_API_KEY: "a-key", WARMPATH_KEY_PEPPER: "0123456789abcdef0123456789abcdef" },
    });
    const ready = await fetch(`${router.url}/readyz`).then((response) => response.text());
    await router.stop();
    expect(ready).toBe("ok\n");
  });

  test("the config of its bundle is told in words where something is missing for it", async () => {
    const bundlePath = join(dir, "out/worker.js");
    const size = await buildWorker({ outfile: bundlePath });
    expect(size.configGzipBytes).toBeGreaterThan(0);
    const router = await startWorkerd({ bundlePath, bindings: { WARMPATH_KEY_PEPPER: "x".repeat(32) } });
    expect((await fetch(`${router.url}/readyz`)).status).toBe(503);
    await vi.waitFor(() => expect(router.output()).toMatch(/RUNPOD_API_KEY/), { timeout: 20_000 });
    await router.stop();
  });

  test("who reads the folder while two build it again finds whole files, and no part missing", async () => {
    const entry = join(dir, "entry.ts");
    const outfile = join(dir, "out/worker.js");
    const text = "x".repeat(300_000);
    writeFileSync(join(dir, "later.ts"), `export const text = "${text}";`);
    writeFileSync(entry, `export const a = "${text}"; export default { later: () => import("./later.ts") };`);
    await buildWorker({ entry, outfile });
    const read = () => readdirSync(join(dir, "out")).filter((name) => name.endsWith(".js"));
    const contents = () => new Map(read().map((name) => [name, readFileSync(join(dir, "out", name), "utf8")]));
    const before = contents();
    const over = new AbortController();
    const builds = [buildWorker({ entry, outfile }), buildWorker({ entry, outfile })];
    const building = Promise.all(builds).finally(() => over.abort());
    let looks = 0;
    for (; !over.signal.aborted; looks++) {
      expect(contents()).toEqual(before);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await building;
    expect(looks).toBeGreaterThan(0);
    expect(readdirSync(join(dir, "out")).filter((name) => name.endsWith(".unfinished"))).toEqual([]);
  });

  test("a source map lies beside the bundle", async () => {
    const entry = join(dir, "entry.ts");
    writeFileSync(entry, `export default { fetch: () => new Response("x") };`);
    await buildWorker({ entry, outfile: join(dir, "worker.js") });
    const map: unknown = JSON.parse(readFileSync(join(dir, "worker.js.map"), "utf8"));
    expect(map).toMatchObject({ version: 3, sourcesContent: [readFileSync(entry, "utf8")] });
  });
});

/** The bytes of a module and of all that it imports by statements. */
function bytesOfGraph(folder: string, name: string, seen = new Set<string>()): number {
  if (seen.has(name)) return 0;
  seen.add(name);
  const code = readFileSync(join(folder, name), "utf8");
  const imported = [...code.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)].map(([, found = ""]) => found);
  return Buffer.byteLength(code) + imported.reduce((sum, next) => sum + bytesOfGraph(folder, next, seen), 0);
}

describe("the size budget", () => {
  test.each([
    ["at the budget", BUNDLE_GZIP_BYTES_MAX, true],
    ["one byte over", BUNDLE_GZIP_BYTES_MAX + 1, false],
  ])("%s", (_, gzipBytes, withinBudget) => {
    for (const configGzipBytes of [0, 200 * 1024]) {
      const size = { bytes: 3 * gzipBytes, gzipBytes: gzipBytes + configGzipBytes, configGzipBytes, laterGzipBytes: 0 };
      const report = sizeReport(size);
      expect(report.withinBudget).toBe(withinBudget);
      expect(report.line.includes("OVER BUDGET")).toBe(!withinBudget);
      expect(report.line.includes("and 200.0 KB of config")).toBe(configGzipBytes > 0);
    }
  });
});
