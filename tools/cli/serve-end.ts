/**
 * How `serve` ends. The first signal drains: the router takes nothing new and is not ready, what is open goes on for a
 * while and is then told that it is cut (`dispatch/draining.ts`), and workerd ends last. The second signal ends it at
 * once.
 *
 * npm passes a signal on to the script alone, and dies of some without a word: then this process is another's child,
 * which counts as a signal too.
 */
import { constants } from "node:os";
import { askRouter } from "./ask-router.ts";
import { SAME_PRESS_MS } from "./same-press.ts";
import type { Workerd } from "./workerd.ts";

/** How often a script of npm looks whether npm is still there, ms. */
const PARENT_LOOK_MS = 250;

/** Resolves to the exit code when workerd has ended: 0 if it was asked to and everything came to its end in time. */
export async function runUntilEnd(workerd: Workerd, drainMs: number): Promise<number> {
  const ends = endings();
  const first = await Promise.race([ends.next(), workerd.exited]);
  if (typeof first !== "string") {
    ends.stop();
    console.error(`workerd ended by itself (${first.signal ?? first.code})`);
    return 1;
  }
  const second = await Promise.race([ends.next(), drained(workerd, first, drainMs)]);
  if (second === null) {
    ends.stop();
    console.log("stopped");
    return 0;
  }
  ends.unwatch();
  await workerd.kill();
  console.log(`${second}: stopped at once`);
  return 128 + (constants.signals[second] ?? 0);
}

/** Resolves to null, for whoever races it against signals. */
async function drained(workerd: Workerd, signal: NodeJS.Signals, drainMs: number): Promise<null> {
  const keeper = workerd.keeper ?? "";
  await askRouter(keeper, "/close", 0);
  console.log(`${signal}: nothing new is taken; what is open has ${drainMs} ms, once more ends it at once`);
  const answer = await Promise.race([askRouter(keeper, `/drain?ms=${drainMs}`, drainMs), workerd.exited]);
  const cut = typeof answer === "string" ? (JSON.parse(answer) as { readonly cut: number }).cut : 0;
  if (cut > 0) console.log(`${cut} still open after ${drainMs} ms: told that they are cut`);
  await workerd.stop();
  return null;
}

type Endings = {
  readonly next: () => Promise<NodeJS.Signals>;
  /** Signals go on to be taken, so that one more does not end this before its last line. */
  readonly unwatch: () => void;
  readonly stop: () => void;
};

/** Each signal once, in order; none is lost between two calls of `next`. */
function endings(): Endings {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const queued: NodeJS.Signals[] = [];
  let wake: () => void = () => undefined;
  let lastAtMs = Number.NEGATIVE_INFINITY;
  const note = (signal: NodeJS.Signals): void => {
    if (performance.now() - lastAtMs < SAME_PRESS_MS) return;
    lastAtMs = performance.now();
    queued.push(signal);
    wake();
  };
  for (const signal of signals) process.on(signal, note);
  const watch = watchParent(() => note("SIGTERM"));
  return {
    async next() {
      while (queued.length === 0) await new Promise<void>((settle) => (wake = settle));
      return queued.shift() ?? "SIGTERM";
    },
    unwatch: () => clearInterval(watch),
    stop() {
      for (const signal of signals) process.off(signal, note);
      clearInterval(watch);
    },
  };
}

/** Who started this: read at once, because it may be gone before anybody watches it. */
const PARENT = process.ppid;

/** Whoever starts this without npm may leave it behind on purpose. */
function watchParent(gone: () => void): ReturnType<typeof setInterval> | undefined {
  if (process.env["npm_lifecycle_event"] === undefined) return undefined;
  const timer = setInterval(() => {
    if (process.ppid === PARENT) return;
    clearInterval(timer);
    gone();
  }, PARENT_LOOK_MS);
  return timer;
}
