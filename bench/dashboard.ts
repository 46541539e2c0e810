/**
 * `npm run bench:dashboard`: the operators' page in Chromium against a real router. How soon it is painted, and whether it
 * stays smooth while many endpoints and decisions come in.
 *
 * Model. The router, the endpoints, the load and the browser share this machine, so wall-clock figures tell of the machine
 * as much as of the page: the share of its cores that was busy stands beside them, and the CPU time of the page's main
 * thread, which others do not change. Paints are of fresh tabs with a session and nothing cached, before the load begins.
 * Rejected: recorded frames, which no router would have sent at this pace.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildDashboard, DASHBOARD_GZIP_BYTES_MAX } from "../tools/cli/build-dashboard.ts";
import { buildWorker } from "../tools/cli/build.ts";
import { startBrowser, type Tab, type TestBrowser } from "../test/browser/browser.ts";
import { findOrInstall, thisHost } from "../test/browser/chromium.ts";
import { signIn } from "../test/support/dashboard-client.ts";
import type { Fleet } from "../test/support/fleet.ts";
import { coresBusyMs, machineLine } from "./cpu.ts";
import { type Paint, paintOf, type Smoothness, smoothnessOf, WATCH_SCRIPT } from "./dashboard-page.ts";
import { type Stage, startLoad, startStage } from "./dashboard-stage.ts";
import { median } from "./stats.ts";

const usage = `npm run bench:dashboard -- [options]
  --endpoints <n>   endpoints of the fleet (default 200; 1 to 1000)
  --rate <n>        requests a second (default 50; 1 to 500)
  --seconds <n>     length of the look at a page that is open (default 20; 2 to 600)
  --paints <n>      fresh tabs whose first paint is taken (default 7; 1 to 100)
  --help            this text`;

type Options = Readonly<Record<"endpoints" | "rate" | "seconds" | "paints", number>>;

function readOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      endpoints: { type: "string", default: "200" },
      rate: { type: "string", default: "50" },
      seconds: { type: "string", default: "20" },
      paints: { type: "string", default: "7" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  return {
    endpoints: within("endpoints", values.endpoints, 1, 1_000),
    rate: within("rate", values.rate, 1, 500),
    seconds: within("seconds", values.seconds, 2, 600),
    paints: within("paints", values.paints, 1, 100),
  };
}

function within(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`--${name} takes a whole number, ${min} to ${max}`);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === null) return console.log(usage);
  const chromium = findOrInstall(thisHost);
  if (!chromium.ok) throw new Error(chromium.error);
  const folder = mkdtempSync(join(tmpdir(), "warmpath-bench-dashboard-"));
  try {
    await buildWorker({ outfile: join(folder, "worker.js") });
    const size = await buildDashboard(join(folder, "dashboard"));
    const stage = await startStage(join(folder, "worker.js"), options.endpoints);
    const browser = await startBrowser(chromium.value);
    try {
      const measured = await measure(stage, browser, options);
      print(options, measured, size.gzipBytes);
    } finally {
      await stage.close();
      await browser.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Measured = {
  readonly paints: readonly Paint[];
  readonly open: Smoothness;
  readonly counts: { readonly served: number; readonly failed: number };
  /** Of all cores, while the page was painted, and while it was looked at. */
  readonly busyShares: readonly (number | null)[];
};

async function measure(stage: Stage, browser: TestBrowser, options: Options): Promise<Measured> {
  const { cookie } = await signIn(stage.fleet);
  const paints: Paint[] = [];
  const paintBusy = await busyDuring(async () => {
    for (let count = 0; count < options.paints; count++) {
      const tab = await openPage(stage.fleet, browser, cookie);
      paints.push(await paintOf(tab.page));
      await tab.close();
    }
  });
  const load = startLoad(stage, options.rate);
  try {
    const { page, close } = await openPage(stage.fleet, browser, cookie);
    await paintOf(page);
    // The list is full, and what the beginning cost is over.
    await page.getByText("of 500 are shown").waitFor();
    const looked: Smoothness[] = [];
    const openBusy = await busyDuring(async () => void looked.push(await smoothnessOf(page, options.seconds)));
    await close();
    const [open] = looked;
    if (open === undefined) throw new Error("nothing was seen");
    return { paints, open, counts: await load.stop(), busyShares: [paintBusy, openBusy] };
  } finally {
    await load.stop();
  }
}

/** Share of all cores that were busy meanwhile, for anybody; null where the platform does not tell. */
async function busyDuring(work: () => Promise<void>): Promise<number | null> {
  const before = busyMs();
  const atMs = performance.now();
  await work();
  const after = busyMs();
  const wallMs = (performance.now() - atMs) * cpus().length;
  return before === null || after === null ? null : (after - before) / wallMs;
}

const busyMs = (): number | null => coresBusyMs(cpus().map((_, core) => core));

async function openPage(fleet: Fleet, browser: TestBrowser, cookie: string): Promise<Tab> {
  const tab = await browser.open();
  const [name = "", value = ""] = cookie.split(/=(.*)/s);
  await tab.page.context().addCookies([{ name, value, url: fleet.router.url }]);
  await tab.page.addInitScript(WATCH_SCRIPT);
  await tab.page.goto(`${fleet.router.url}/dashboard`);
  return tab;
}

function print({ endpoints, rate }: Options, { paints, open, counts, busyShares }: Measured, gzipBytes: number): void {
  const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
  const spread = (values: readonly number[]): string =>
    `${ms(median(values))} (${ms(Math.min(...values))} to ${ms(Math.max(...values))})`;
  const kb = (bytes: number): string => `${(bytes / 1_024).toFixed(1)} KB`;
  const rows: readonly (readonly [what: string, figure: string])[] = [
    ["assets, gzipped", `${kb(gzipBytes)} of ${kb(DASHBOARD_GZIP_BYTES_MAX)} allowed`],
    ["first contentful paint", spread(paints.map(({ fcpMs }) => fcpMs))],
    ["first row of the table painted", spread(paints.map(({ rowMs }) => rowMs))],
    ["frames, decisions a second", `${perS(open.frames, open)}, ${perS(open.decisions, open)}`],
    ["a frame", kb(open.frameBytes)],
    ["pictures a second", perS(open.pictures, open)],
    ["between two, p50, p95, p99, most", gaps(open).map(ms).join(", ")],
    ["tasks of more than 50 ms", `${open.longTasks}, the longest ${ms(open.longestTaskMs)}`],
    [
      "main thread, CPU a second",
      `${ms(open.cpuMsPerS)}: scripts ${ms(open.scriptMsPerS)}, styles and layout ${ms(open.layoutMsPerS)}`,
    ],
    ["requests served, failed", `${counts.served}, ${counts.failed}`],
    ["cores busy: paints, then the open page", `${busyShares.map(percent).join(", ")}; load ${loadText()}`],
  ];
  const width = Math.max(...rows.map(([what]) => what.length));
  console.log(machineLine(workerdVersion()));
  console.log(`${endpoints} endpoints, ${rate} requests a second, ${open.seconds.toFixed(0)} s\n`);
  for (const [what, figure] of rows) console.log(`${what.padEnd(width)}  ${figure}`);
}

const gaps = ({ gapP50Ms, gapP95Ms, gapP99Ms, gapMaxMs }: Smoothness): readonly number[] => [
  gapP50Ms,
  gapP95Ms,
  gapP99Ms,
  gapMaxMs,
];
const perS = (count: number, { seconds }: Smoothness): string => (count / seconds).toFixed(1);
const percent = (share: number | null): string => (share === null ? "?" : `${Math.round(share * 100)} %`);
const loadText = (): string => (loadavg()[0] ?? Number.NaN).toFixed(1);

function workerdVersion(): string {
  const { version } = createRequire(import.meta.url)("workerd/package.json") as { readonly version: string };
  return version;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
