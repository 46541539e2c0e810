/**
 * `npm start`: a whole Warmpath on this machine, shown and checked in some seconds, then yours to try until Ctrl-C.
 *
 * Exit codes: 0 all as it should be, or Ctrl-C after the show; 1 something was not, and a line says what; 2 wrong
 * arguments; 128 and the signal's number when one came before the show was over. Whatever the way out, no
 * process and no file stays behind.
 */
import { constants } from "node:os";
import { parseArgs } from "node:util";
import { assertNever } from "../../src/lib/invariant.ts";
import { err, ok, type Result } from "../../src/lib/result.ts";
import { SAME_PRESS_MS } from "../cli/same-press.ts";
import type { Crew } from "./demo-crew.ts";
import type { Fleet } from "./demo-fleet.ts";
import { createPrint, type Print, wantsColour } from "./demo-print.ts";

export const usage = `npm start -- [options]
  --exit      end after the show
  --port <n>  port of the router, 0 for any free one (default 8787, or any free one when that is taken)
  --help      this text`;

/** The shell's custom for programs that a signal ended. */
const SIGNAL_CODE_BASE = 128;

export type DemoOptions = { readonly exit: boolean; readonly port: number | null; readonly help: boolean };

/** The error is one line for a person. */
export function parseDemoArgs(args: readonly string[]): Result<DemoOptions, string> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        exit: { type: "boolean", default: false },
        port: { type: "string" },
        help: { type: "boolean", default: false, short: "h" },
      },
    });
    const { exit, port, help } = values;
    if (port === undefined) return ok({ exit, port: null, help });
    if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return err(`--port must be 0 to 65535, not "${port}"`);
    return ok({ exit, port: Number(port), help });
  } catch (error) {
    // Node adds advice about arguments that begin with a dash, of which there are none here.
    return err(error instanceof Error ? (error.message.split(". ")[0] ?? error.message) : String(error));
  }
}

type Ending =
  | { readonly kind: "shown" }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "signalled"; readonly signal: NodeJS.Signals };

/** The exit code. */
export async function demoMain(args: readonly string[]): Promise<number> {
  const options = parseDemoArgs(args);
  if (!options.ok) {
    console.error(`${options.error}\n\n${usage}`);
    return 2;
  }
  if (options.value.help) {
    console.log(usage);
    return 0;
  }
  const signalled = onceSignalled();
  console.log("Warmpath: three simulated GPU endpoints and the router, on this machine. Ctrl-C ends it.");
  // Whoever reads has left, as `head` does: end, and clean up on the way out.
  process.stdout.on("error", () => process.exit(1));
  return run(
    options.value,
    signalled.then((signal) => ({ kind: "signalled", signal })),
  );
}

async function run(options: DemoOptions, signalled: Promise<Ending>): Promise<number> {
  // Loaded only now, here and below: each file costs milliseconds, and the first line should not wait for them.
  const { createCrew } = await import("./demo-crew.ts");
  const crew = createCrew();
  process.on("exit", () => crew.killNow());
  const progress = { isShown: false, isOver: false };
  const print = createPrint(
    (text) => {
      // What the show still sees while everything is being stopped is of no interest.
      if (!progress.isOver) process.stdout.write(text);
    },
    wantsColour(process.stdout, process.env),
  );
  const shown = showAndServe(options, crew, print, progress);
  const ending = await Promise.race([signalled, shown]);
  progress.isOver = true;
  await crew.stop();
  return conclude(ending, progress.isShown);
}

async function showAndServe(
  options: DemoOptions,
  crew: Crew,
  print: Print,
  progress: { isShown: boolean },
): Promise<Ending> {
  try {
    const [{ startFleet }, { perform }] = await Promise.all([import("./demo-fleet.ts"), import("./demo-show.ts")]);
    const fleet = await startFleet(crew, { routerPort: options.port });
    const failures = await Promise.race([perform(fleet, print), fleet.router.ended]);
    if (failures.length > 0) return { kind: "failed", message: `not as it should be: ${failures.join("; ")}` };
    invite(fleet, options, print);
    progress.isShown = true;
    return options.exit ? { kind: "shown" } : await fleet.router.ended;
  } catch (error) {
    return { kind: "failed", message: error instanceof Error ? error.message : String(error) };
  }
}

function invite({ client, endpoints }: Fleet, options: DemoOptions, print: Print): void {
  const { url, key, model } = client;
  print.heading(options.exit ? "Without --exit the router would keep serving, and you could try" : "Your turn");
  const body = { model, stream: true, messages: [{ role: "user", content: "Hello" }] };
  print.line(`  export WARMPATH_KEY=${key}`);
  print.line(`  export GPU_VIRGINIA=${endpoints.near.pid}\n`);
  print.line(`  curl -iN ${url}/v1/chat/completions \\`);
  print.line(`    -H "authorization: Bearer $WARMPATH_KEY" -H "content-type: application/json" \\`);
  print.line(`    -H "x-warmpath-place: us-east" \\`);
  print.line(`    -d '${JSON.stringify(body)}'\n`);
  print.note("The OpenAI SDK needs one line changed:");
  print.line(`  new OpenAI({ apiKey: process.env.WARMPATH_KEY, baseURL: "${url}/v1" })\n`);
  if (options.exit) return;
  print.note("What it does, and buttons to break it; sign in with the key above:");
  print.line(`  ${url}/dashboard\n`);
  print.note(
    'Kill an endpoint yourself (kill -9 "$GPU_VIRGINIA") and send again: x-warmpath-* headers tell what happened. docs/tutorials/kill-a-gpu.md leads through it.',
  );
  print.line(`  Serving on ${url} until Ctrl-C.`);
}

function conclude(ending: Ending, isShown: boolean): number {
  switch (ending.kind) {
    case "failed":
      console.error(`\n${ending.message}`);
      return 1;
    case "shown":
      console.log("  Done. Every process has ended.");
      return 0;
    case "signalled":
      console.log(isShown ? "\nStopped. Every process has ended." : "\nStopped before the show was over.");
      return isShown ? 0 : SIGNAL_CODE_BASE + constants.signals[ending.signal];
    default:
      return assertNever(ending);
  }
}

/** The first signal asks for an orderly end; a second one ends everything at once, through the `exit` event. */
function onceSignalled(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let firstAtMs: number | null = null;
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (firstAtMs !== null && performance.now() - firstAtMs >= SAME_PRESS_MS) {
        process.exit(SIGNAL_CODE_BASE + constants.signals[name]);
      }
      firstAtMs ??= performance.now();
      resolve(name);
    });
  }
  return promise;
}

// Not left to an empty event loop: connections that are kept alive would hold it open for seconds.
if (import.meta.main) process.exit(await demoMain(process.argv.slice(2)));
