/**
 * Bundles the Worker into `dist/`: what `wrangler deploy` uploads, what raw workerd serves, and what the benchmarks
 * measure. `worker.js` and the parts that it imports are loaded at start; the other parts only when a configuration needs
 * them (`import()` in the source). ES modules, minified (zod alone weighs 120 KB gzipped otherwise), with source maps.
 *
 * Rejected: letting wrangler bundle. Its output would be a second bundle, so what is measured would not be what is
 * deployed. `dist/` holds nothing else, because wrangler uploads every module that it finds beside the entry.
 */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import type { Metafile, Plugin } from "esbuild";
import { PART } from "./workerd-config.ts";

const root = join(import.meta.dirname, "../..");

export const workerEntryPath = join(root, "src/edge/entry.ts");
export const workerBundlePath = join(root, "dist/worker.js");

/**
 * Gzipped size allowed for what is loaded at start. The platform takes megabytes; the reason is the cold isolate, which parses and
 * runs all of it before its first request. 100 KB keeps that short and makes a heavy new dependency a decision
 * instead of an accident.
 */
export const BUNDLE_GZIP_BYTES_MAX = 100 * 1024;

export type BundleSize = {
  /** What is loaded at start. */
  readonly bytes: number;
  /** The same at gzip level 9, file by file. */
  readonly gzipBytes: number;
  /** What is loaded when a configuration needs it, gzipped. */
  readonly laterGzipBytes: number;
};

/**
 * Bundles `entry` into `outfile`, and what it imports later into parts beside it. Rejects with esbuild's message, already
 * printed, when a module does not build.
 */
export async function buildWorker(
  options: { readonly entry?: string; readonly outfile?: string } = {},
): Promise<BundleSize> {
  const { entry = workerEntryPath, outfile = workerBundlePath } = options;
  const outdir = dirname(outfile);
  await mkdir(outdir, { recursive: true });
  const old = (await readdir(outdir)).filter((name) => PART.test(name.replace(/\.map$/, "")));
  await Promise.all(old.map(async (name) => rm(join(outdir, name))));
  const { metafile } = await build({
    absWorkingDir: outdir,
    entryPoints: [{ in: entry, out: basename(outfile, ".js") }],
    outdir,
    chunkNames: "part-[hash]",
    splitting: true,
    metafile: true,
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
    plugins: [startInOnePiece(entry)],
    logLevel: "warning",
  });
  const atStart = loadedAtStart(metafile.outputs, basename(outfile));
  const parts = Object.keys(metafile.outputs).filter((name) => name.endsWith(".js"));
  const sizes = await Promise.all(parts.map(async (name) => [name, await sizeOf(join(outdir, name))] as const));
  const sum = (isCounted: (name: string) => boolean, member: "bytes" | "gzipBytes"): number =>
    sizes.reduce((total, [name, size]) => total + (isCounted(name) ? size[member] : 0), 0);
  return {
    bytes: sum((name) => atStart.has(name), "bytes"),
    gzipBytes: sum((name) => atStart.has(name), "gzipBytes"),
    laterGzipBytes: sum((name) => !atStart.has(name), "gzipBytes"),
  };
}

/**
 * Keeps what is loaded at start in one piece. The bundler makes a chunk of every set of modules that the same parts share:
 * with four parts ten chunks, which gzip 5 KB worse than one and are ten requests to the module registry. A part that
 * imports the entry shares all of it, so there is one such set. The entry has run by the time a part is loaded.
 */
function startInOnePiece(entry: string): Plugin {
  const isResolving = Symbol("isResolving");
  return {
    name: "start-in-one-piece",
    setup(bundler) {
      const parts = new Set<string>();
      bundler.onResolve({ filter: /^\./ }, async ({ kind, path, importer, resolveDir, pluginData }) => {
        if (kind !== "dynamic-import" || pluginData === isResolving) return undefined;
        const found = await bundler.resolve(path, { kind, importer, resolveDir, pluginData: isResolving });
        if (found.errors.length === 0) parts.add(found.path);
        return found;
      });
      bundler.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (!parts.has(path)) return undefined;
        const source = await readFile(path, "utf8");
        return { contents: `${source}\nimport ${JSON.stringify(entry)};\n`, loader: "ts" };
      });
    },
  };
}

/** The entry and what it imports by statements, over any number of steps. */
function loadedAtStart(outputs: Metafile["outputs"], entry: string): ReadonlySet<string> {
  const loaded = new Set([entry]);
  for (const name of loaded) {
    for (const { path, kind } of outputs[name]?.imports ?? []) if (kind === "import-statement") loaded.add(path);
  }
  return loaded;
}

async function sizeOf(file: string): Promise<{ readonly bytes: number; readonly gzipBytes: number }> {
  const code = await readFile(file);
  return {
    bytes: code.byteLength,
    gzipBytes: gzipSync(code, { level: constants.Z_BEST_COMPRESSION }).byteLength,
  };
}

/** One line for a person, and whether the bundle keeps its budget. At the budget is within it. */
export function sizeReport(size: BundleSize): { readonly line: string; readonly withinBudget: boolean } {
  const withinBudget = size.gzipBytes <= BUNDLE_GZIP_BYTES_MAX;
  const used = `${kib(size.bytes)} raw, ${kib(size.gzipBytes)} gzipped of ${kib(BUNDLE_GZIP_BYTES_MAX)} allowed`;
  const later =
    size.laterGzipBytes === 0 ? "" : `, and ${kib(size.laterGzipBytes)} gzipped that are loaded when needed`;
  return { line: `dist/worker.js: ${used}${withinBudget ? "" : " (OVER BUDGET)"}${later}`, withinBudget };
}

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KB`;

if (import.meta.main) {
  // esbuild has printed its message by the time it rejects; its stack would only bury it.
  const size = await buildWorker().catch(() => undefined);
  const report = size === undefined ? undefined : sizeReport(size);
  if (report !== undefined) console.log(report.line);
  if (report?.withinBudget !== true) process.exitCode = 1;
}
