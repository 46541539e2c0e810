/**
 * Bundles the Worker into `dist/worker.js`: the one file that `wrangler deploy` uploads, that raw workerd serves, and that
 * the benchmarks measure. One ES module, minified (zod alone weighs 120 KB gzipped otherwise), source map beside it.
 *
 * Rejected: letting wrangler bundle. Its output would be a second bundle, so what is measured would not be what is
 * deployed. `dist/` holds nothing else, because wrangler uploads every module that it finds beside the entry.
 */
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = join(import.meta.dirname, "../..");

export const workerEntryPath = join(root, "src/edge/entry.ts");
export const workerBundlePath = join(root, "dist/worker.js");

/**
 * Gzipped size allowed for the Worker. The platform takes megabytes; the reason is the cold isolate, which parses and
 * runs the whole module before its first request. 100 KB keeps that short and makes a heavy new dependency a decision
 * instead of an accident.
 */
export const BUNDLE_GZIP_BYTES_MAX = 100 * 1024;

export type BundleSize = {
  readonly bytes: number;
  /** At gzip level 9. */
  readonly gzipBytes: number;
};

/** Bundles `entry` into `outfile`. Rejects with esbuild's message, already printed, when a module does not build. */
export async function buildWorker(
  options: { readonly entry?: string; readonly outfile?: string } = {},
): Promise<BundleSize> {
  const { entry = workerEntryPath, outfile = workerBundlePath } = options;
  await mkdir(dirname(outfile), { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["workerd", "worker", "import"],
    target: "es2024",
    minify: true,
    sourcemap: "linked",
    legalComments: "none",
    charset: "utf8",
    loader: { ".jsonc": "text" },
    external: ["cloudflare:*", "node:*"],
    logLevel: "warning",
  });
  const code = await readFile(outfile);
  return {
    bytes: code.byteLength,
    gzipBytes: gzipSync(code, { level: constants.Z_BEST_COMPRESSION }).byteLength,
  };
}

/** One line for a person, and whether the bundle keeps its budget. At the budget is within it. */
export function sizeReport(size: BundleSize): { readonly line: string; readonly withinBudget: boolean } {
  const withinBudget = size.gzipBytes <= BUNDLE_GZIP_BYTES_MAX;
  const used = `${kib(size.bytes)} raw, ${kib(size.gzipBytes)} gzipped of ${kib(BUNDLE_GZIP_BYTES_MAX)} allowed`;
  return { line: `dist/worker.js: ${used}${withinBudget ? "" : " (OVER BUDGET)"}`, withinBudget };
}

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KB`;

if (import.meta.main) {
  // esbuild has printed its message by the time it rejects; its stack would only bury it.
  const size = await buildWorker().catch(() => undefined);
  const report = size === undefined ? undefined : sizeReport(size);
  if (report !== undefined) console.log(report.line);
  if (report?.withinBudget !== true) process.exitCode = 1;
}
