/**
 * The program that hosts the demo's router: it bundles the Worker, runs workerd, and owns the demo's files. When the
 * demo lets go of the channel between them, by `disconnect` or by dying, it ends workerd, removes the files and ends.
 *
 * Why a process of its own: SIGKILL leaves the demo no last word, but it closes the channel, at whatever moment. So
 * there is one way to end, and it is the same after Ctrl-C and after a crash. Rejected: a guard that is told the pids,
 * because a demo that is killed before it has told one leaves that process behind (measured).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stop as stopEsbuild } from "esbuild";
import { buildDashboard } from "../cli/build-dashboard.ts";
import { buildWorker } from "../cli/build.ts";
import { startWorkerd, type Workerd, WorkerdStartError } from "../cli/workerd.ts";

/** The one order that the demo sends. */
export type RouterOrder = {
  readonly port: number;
  /** The router takes any free port when `port` is taken. */
  readonly orAnyPort: boolean;
  readonly bindings: Readonly<Record<string, string>>;
};

export type RouterNews =
  | { readonly kind: "listening"; readonly url: string; readonly bundledInMs: number }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "ended"; readonly output: string };

const folder = mkdtempSync(join(tmpdir(), "warmpath-demo-"));
// Whatever else is put into a temporary folder, workerd's config with its secrets among it, goes away with ours.
process.env["TMPDIR"] = folder;
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

let workerd: Promise<Workerd> | null = null;
// At once: the endpoints are being started meanwhile, and without them there is no config to order anything with.
const bundled = bundle();

process.on("disconnect", () => void endAll());
process.once("message", (order: RouterOrder) => void start(order));

async function bundle(): Promise<number> {
  const startedAtMs = performance.now();
  // Not into `dist/`: a test that serves from there at this moment must not find half a file.
  await buildWorker({ outfile: join(folder, "worker.js") });
  await buildDashboard(join(folder, "dashboard"));
  const tookMs = performance.now() - startedAtMs;
  // The bundler is a process too, and there is nothing more to bundle.
  await stopEsbuild();
  return tookMs;
}

async function start(order: RouterOrder): Promise<void> {
  try {
    const bundledInMs = await bundled;
    if (!process.connected) return;
    workerd = listen(order, order.port);
    const { url, exited, output } = await workerd;
    tell({ kind: "listening", url, bundledInMs });
    await exited;
    tell({ kind: "ended", output: output() });
  } catch (error) {
    tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

async function listen(order: RouterOrder, port: number): Promise<Workerd> {
  const { bindings, orAnyPort } = order;
  try {
    return await startWorkerd({
      bundlePath: join(folder, "worker.js"),
      bindings,
      port,
      stateDir: join(folder, "state"),
    });
  } catch (error) {
    if (!(error instanceof WorkerdStartError) || error.reason !== "port_taken") throw error;
    if (orAnyPort && port !== 0 && process.connected) return listen(order, 0);
    throw new Error(`port ${port} is taken: choose another with --port, or leave it out`, { cause: error });
  }
}

/** Nothing is written into the folder any more once the bundle and the start are through, one way or the other. */
async function endAll(): Promise<void> {
  await Promise.allSettled([bundled]);
  const [started] = await Promise.allSettled([workerd]);
  // Killed, not stopped: there is no state to keep.
  if (started.status === "fulfilled") await started.value?.kill();
  process.exit();
}

function tell(news: RouterNews): void {
  if (process.connected) process.send?.(news);
}
