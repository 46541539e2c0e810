/**
 * `npm run build` bundles the Worker into `dist/`: what `wrangler deploy` uploads, what raw workerd serves, and what
 * the benchmarks measure. `worker.js` and the parts that it imports are loaded at start; the other parts only when a
 * configuration needs them (`import()` in the source). ES modules, minified (zod alone weighs 120 KB gzipped
 * otherwise), with source maps. The config is in the bundle, so a wrong one is refused here, before it is deployed.
 *
 * Rejected: letting wrangler bundle. Its output would be a second bundle, so what is measured would not be what is
 * deployed. Beside the modules `dist/` holds only the dashboard (`build-dashboard.ts`), in a folder that wrangler takes
 * for static assets: it uploads every module that it finds beside the entry.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import type { BuildOptions, Metafile, OutputFile, Plugin } from "esbuild";
import type { Config } from "../../src/config/config.ts";
import { secretsOf } from "../../src/wire/secrets.ts";
import { configModule, withBuiltModules } from "./built-modules.ts";
import { buildDashboard, dashboardReport } from "./build-dashboard.ts";
import { configNotes, configWarnings, readConfigFile } from "./config-file.ts";
import { PART } from "./workerd-config.ts";

const root = join(import.meta.dirname, "../..");

export const workerEntryPath = join(root, "src/worker.ts");
const configPath = join(root, "warmpath.jsonc");
export const workerBundlePath = join(root, "dist/worker.js");

/**
 * Gzipped size allowed for what is loaded at start. The platform takes megabytes; the reason is the cold isolate, which
 * parses and runs all of it before its first request. 90 KB keeps that short and makes a heavy new dependency a
 * decision instead of an accident. The config comes beside it, as the build read it: who has a thousand keys has more to
 * load, and may deploy.
 */
export const BUNDLE_GZIP_BYTES_MAX = 90 * 1024;

export type BundleSize = {
  /** What is loaded at start. */
  readonly bytes: number;
  /** The same at gzip level 9, file by file. */
  readonly gzipBytes: number;
  /** What of it is the config, which is its owner's: gzipped by itself. */
  readonly configGzipBytes: number;
  /** What is loaded when a configuration needs it, gzipped. */
  readonly laterGzipBytes: number;
};

/**
 * Bundles `entry` into `outfile`, and what it imports later into parts beside it. Rejects with esbuild's message,
 * already printed, when a module does not build.
 */
export async function buildWorker(
  options: { readonly entry?: string; readonly outfile?: string } = {},
): Promise<BundleSize> {
  const { entry = workerEntryPath, outfile = workerBundlePath } = options;
  const outdir = dirname(outfile);
  await mkdir(outdir, { recursive: true });
  const settings = {
    absWorkingDir: outdir,
    entryPoints: [{ in: entry, out: basename(outfile, ".js") }],
    outdir,
    chunkNames: "part-[hash]",
    splitting: true,
    metafile: true,
    write: false,
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["workerd", "worker", "import"],
    target: "es2024",
    legalComments: "none",
    charset: "utf8",
    loader: { ".jsonc": "text" },
    external: ["cloudflare:*", "node:*"],
    logLevel: "warning",
  } as const satisfies BuildOptions;
  const parts = partsOf((await build({ ...settings, logLevel: "error" })).metafile, outdir);
  const { metafile, outputFiles } = await build({
    ...settings,
    minify: true,
    sourcemap: "linked",
    plugins: [startInOnePiece(entry, parts), withoutDescriptions(), withBuiltModules(configPath)],
  });
  await replaceFiles(outdir, basename(outfile), outputFiles);
  const atStart = loadedAtStart(metafile.outputs, basename(outfile));
  const scripts = outputFiles.filter(({ path }) => path.endsWith(".js"));
  const sizes = scripts.map(({ path, contents }) => [basename(path), sizeOf(contents)] as const);
  const sum = (isCounted: (name: string) => boolean, member: "bytes" | "gzipBytes"): number =>
    sizes.reduce((total, [name, size]) => total + (isCounted(name) ? size[member] : 0), 0);
  return {
    bytes: sum((name) => atStart.has(name), "bytes"),
    gzipBytes: sum((name) => atStart.has(name), "gzipBytes"),
    configGzipBytes: hasConfig(metafile)
      ? sizeOf(Buffer.from(configModule(await readFile(configPath, "utf8")))).gzipBytes
      : 0,
    laterGzipBytes: sum((name) => !atStart.has(name), "gzipBytes"),
  };
}

/**
 * Puts a build in the place of the one before it. Parts are named by their content and the entry comes last, so whoever
 * reads the folder meanwhile, or builds the same source into it, finds whole files and no part missing.
 */
async function replaceFiles(outdir: string, entryName: string, files: readonly OutputFile[]): Promise<void> {
  const byName = new Map(files.map(({ path, contents }) => [basename(path), contents]));
  const inOrder = [...byName].toSorted(([left], [right]) => Number(left === entryName) - Number(right === entryName));
  const mark = randomUUID();
  for (const [name, contents] of inOrder) {
    const unfinished = join(outdir, `${name}.${mark}.unfinished`);
    await writeFile(unfinished, contents);
    await rename(unfinished, join(outdir, name));
  }
  const old = (await readdir(outdir)).filter((name) => PART.test(name.replace(/\.map$/, "")) && !byName.has(name));
  // Another build may have been quicker.
  await Promise.all(old.map(async (name) => rm(join(outdir, name), { force: true })));
}

/**
 * Keeps what is loaded at start in one piece. The bundler makes a chunk of every set of modules that the same parts
 * share: with four parts ten chunks, which gzip 5 KB worse than one and are ten requests to the module registry. A part
 * that imports the entry shares all of it, so there is one such set. The entry has run by the time a part is loaded.
 *
 * Which modules begin a part is known from a build before this one. Rejected: noting them while the modules are read.
 * One that is also imported by a statement may be read first, and the bundle then depends on chance.
 */
function startInOnePiece(entry: string, parts: ReadonlySet<string>): Plugin {
  return {
    name: "start-in-one-piece",
    setup(bundler) {
      bundler.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (!parts.has(path)) return undefined;
        const source = await readFile(path, "utf8");
        return { contents: `${source}\nimport ${JSON.stringify(entry)};\n`, loader: "ts" };
      });
    },
  };
}

/** The modules that something imports by `import()`, as absolute paths. */
function partsOf({ inputs }: Metafile, workingDir: string): ReadonlySet<string> {
  const imports = Object.values(inputs).flatMap((input) => input.imports);
  return new Set(imports.filter(({ kind }) => kind === "dynamic-import").map(({ path }) => resolve(workingDir, path)));
}

/** One call with one literal. */
const DESCRIPTION = /\.describe\(\s*(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*,?\s*\)/g;

/**
 * What the schemas say of their options is for editors, and goes there by `npm run schema`: a Worker never reads it.
 */
function withoutDescriptions(): Plugin {
  return {
    name: "without-descriptions",
    setup(bundler) {
      bundler.onLoad({ filter: /src\/config\/[a-z]+-schema\.ts$/ }, async ({ path }) => ({
        contents: (await readFile(path, "utf8")).replaceAll(DESCRIPTION, ""),
        loader: "ts",
      }));
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

function sizeOf(code: Uint8Array): { readonly bytes: number; readonly gzipBytes: number } {
  return {
    bytes: code.byteLength,
    gzipBytes: gzipSync(code, { level: constants.Z_BEST_COMPRESSION }).byteLength,
  };
}

const hasConfig = ({ inputs }: Metafile): boolean =>
  Object.keys(inputs).some((path) => path.endsWith("src/config/built-config.ts"));

/** One line for a person, and whether the bundle keeps its budget. At the budget is within it. */
export function sizeReport(size: BundleSize): { readonly line: string; readonly withinBudget: boolean } {
  const codeGzipBytes = size.gzipBytes - size.configGzipBytes;
  const withinBudget = codeGzipBytes <= BUNDLE_GZIP_BYTES_MAX;
  const config = size.configGzipBytes === 0 ? "" : ` and ${kib(size.configGzipBytes)} of config`;
  const used = `${kib(size.bytes)} raw, ${kib(codeGzipBytes)} gzipped of ${kib(BUNDLE_GZIP_BYTES_MAX)} allowed${config}`;
  const later =
    size.laterGzipBytes === 0 ? "" : `, and ${kib(size.laterGzipBytes)} gzipped that are loaded when needed`;
  return { line: `loaded at start: ${used}${withinBudget ? "" : " (OVER BUDGET)"}${later}`, withinBudget };
}

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KB`;

/** What a deployment answers 503 without. Whether it is set is known where it runs. */
export function secretsToSet(config: Config): readonly string[] {
  return secretsOf(config)
    .filter(({ isNeeded }) => isNeeded)
    .map(({ name, usedBy }) => `needs the secret ${name}, for ${usedBy.join(", ")}: npx wrangler secret put ${name}`);
}

async function main(): Promise<number> {
  const read = readConfigFile(configPath, "warmpath.jsonc", "it is part of the bundle");
  if (!read.ok) {
    console.error(read.error);
    return 1;
  }
  for (const warning of configWarnings(read.value.config)) console.warn(`warning: warmpath.jsonc: ${warning}`);
  for (const note of configNotes(read.value.text)) console.warn(`note: warmpath.jsonc: ${note}`);
  for (const line of secretsToSet(read.value.config)) console.log(line);
  // esbuild has printed its message by the time it rejects; its stack would only bury it.
  const size = await buildWorker().catch(() => null);
  if (size === null) return 1;
  const page = await buildDashboard().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    return null;
  });
  if (page === null) return 1;
  const reports = [sizeReport(size), dashboardReport(page)];
  for (const { line } of reports) console.log(line);
  return reports.every(({ withinBudget }) => withinBudget) ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main();
