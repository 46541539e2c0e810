/**
 * Bundles the dashboard: `dashboard/` into a folder of static files, one page with one script, one stylesheet and one
 * icon. Every name but the page's holds a hash of the content, so that those files may be kept for ever by a browser.
 *
 * `npm run build` writes `dist/dashboard/`, which is uploaded as static assets and is no part of the Worker; `npm run
 * serve` bundles it as it bundles the Worker, so what it needs are dependencies (docs/decisions/0001-dependencies.md).
 * Rejected: source maps, which would be uploaded with it; and a separate file for the map of the world, which would
 * come a round trip later.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = join(import.meta.dirname, "../..");
const dashboardDir = join(root, "dashboard");

const dashboardBundleDir = join(root, "dist/dashboard");

/**
 * Gzipped size allowed for all that the page loads: markup, script, style, icon and map. An operator opens it when
 * something is wrong, perhaps from a telephone: at 80 KB it is there in a second on a slow line.
 */
export const DASHBOARD_GZIP_BYTES_MAX = 80 * 1024;

export type DashboardSize = {
  readonly bytes: number;
  /** The same at gzip level 9, file by file. */
  readonly gzipBytes: number;
};

/** Rejects with esbuild's message, already printed, when the page does not build. */
export async function buildDashboard(outdir: string = dashboardBundleDir): Promise<DashboardSize> {
  await mkdir(outdir, { recursive: true });
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: {
      main: join(dashboardDir, "main.tsx"),
      style: join(dashboardDir, "styles/main.css"),
      icon: join(dashboardDir, "icon.svg"),
    },
    outdir,
    entryNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    write: false,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    charset: "utf8",
    loader: { ".svg": "copy" },
    tsconfigRaw: {},
    logLevel: "warning",
  });
  const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
  const page = pageOf(await readFile(join(dashboardDir, "index.html"), "utf8"), [...files.keys()]);
  files.set("index.html", new TextEncoder().encode(page));
  await replaceFiles(outdir, files);
  const sizes = [...files.values()];
  return {
    bytes: sizes.reduce((sum, { byteLength }) => sum + byteLength, 0),
    gzipBytes: sizes.reduce((sum, file) => sum + gzipSync(file, { level: constants.Z_BEST_COMPRESSION }).byteLength, 0),
  };
}

/** The page with the names that its files have got. Absolute: the page is at `/dashboard`, without a slash behind it. */
export function pageOf(template: string, names: readonly string[]): string {
  return template.replace(/(?<=(?:href|src)=")(\w+)\.(\w+)(?=")/g, (written, stem: string, ending: string) => {
    const name = names.find((one) => one.startsWith(`${stem}-`) && one.endsWith(`.${ending}`));
    if (name === undefined) throw new Error(`dashboard/index.html names ${written}, which the build does not make`);
    return `/dashboard/${name}`;
  });
}

/** The page comes last, and what it no longer names goes after it: whoever reads meanwhile finds whole files. */
async function replaceFiles(outdir: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const mark = randomUUID();
  for (const [name, contents] of files) {
    const unfinished = join(outdir, `${name}.${mark}.unfinished`);
    await writeFile(unfinished, contents);
    await rename(unfinished, join(outdir, name));
  }
  const old = (await readdir(outdir)).filter((name) => /^(?:main|style|icon)-\w+\.\w+$/.test(name) && !files.has(name));
  await Promise.all(old.map(async (name) => rm(join(outdir, name), { force: true })));
}

/** One line for a person, and whether the page keeps its budget. At the budget is within it. */
export function dashboardReport(size: DashboardSize): { readonly line: string; readonly withinBudget: boolean } {
  const withinBudget = size.gzipBytes <= DASHBOARD_GZIP_BYTES_MAX;
  const used = `${kib(size.bytes)} raw, ${kib(size.gzipBytes)} gzipped of ${kib(DASHBOARD_GZIP_BYTES_MAX)} allowed`;
  return { line: `dashboard: ${used}${withinBudget ? "" : " (OVER BUDGET)"}`, withinBudget };
}

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KB`;
