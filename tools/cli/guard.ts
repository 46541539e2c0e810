/**
 * Runs a program that never outlives this process, whatever ends it.
 *
 * Model. Between the two stands a shell. It waits for the end of its input, which this process holds open, and then
 * kills the program. The shell is there before the program, so at no instant would a `kill -9` leave an orphan. It has
 * its own session, so a Ctrl-C in the terminal ends this process alone, which then decides how the program ends.
 *
 * The program inherits the writing end of a pipe that nobody writes to again: when that closes, it has ended. Only then
 * is the shell told to go, so its number is the program's until the shell has waited for it.
 * Rejected: `prctl(PR_SET_PDEATHSIG)` by `setpriv`, on Linux only, and too late for a parent that dies first; a second
 * Node as the guard, 40 MB for three lines. Where there is no shell (Windows) the program is run without a guard.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable } from "node:stream";

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type Guarded = {
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** File descriptor 3 of the program. */
  readonly control: Readable | null;
  /** Of the program; 0 when it could not be started. */
  readonly pid: Promise<number>;
  readonly exited: Promise<Exit>;
  /** Everything that it wrote has been read. */
  readonly closed: Promise<void>;
  /** Harmless when it has ended. */
  kill(signal: NodeJS.Signals): void;
};

/** The arguments are what to remove at the end, and the program with its own. */
const GUARD = `
trap '' TERM INT HUP PIPE
trash=$1; shift
"$@" </dev/null & program=$!
echo $program >&4
exec 3>&- 4>&-
read -r _
kill -KILL $program 2>/dev/null
wait $program; code=$?
rm -rf -- "$trash"
exit $code`;

/** `trash` is a folder that is removed with the program's end. */
export function runGuarded(program: string, args: readonly string[], trash: string): Guarded {
  const hasShell = process.platform !== "win32";
  const child = hasShell
    ? spawn("/bin/sh", ["-c", GUARD, "guard", trash, program, ...args], {
        stdio: ["pipe", "pipe", "pipe", "pipe", "pipe"],
        detached: true,
      })
    : spawn(program, args, { stdio: ["ignore", "pipe", "pipe", "pipe", "ignore"] });
  const pid = hasShell ? guardedPid(child) : Promise.resolve(child.pid ?? 0);
  const exited = hasShell ? guardedExit(child, pid) : exitOf(child);
  let known = 0;
  let isOver = false;
  void pid.then((number) => (known = number));
  void exited.then(() => (isOver = true));
  return {
    stdout: child.stdout,
    stderr: child.stderr,
    control: child.stdio[3] as Readable | null,
    pid,
    exited,
    closed: new Promise((settle) => child.once("close", () => settle())),
    kill(signal) {
      if (isOver) return;
      if (known !== 0) killIfThere(known, signal);
      // Not started yet, or not known to be: without its input the shell kills it.
      else if (signal === "SIGKILL") child.stdin?.destroy();
    },
  };
}

/** The shell writes the number; the end of the pipe says that the program has ended, and lets the shell go. */
function guardedPid(child: ChildProcess): Promise<number> {
  const pipe = child.stdio[4] as Readable;
  const { promise, resolve } = Promise.withResolvers<number>();
  let text = "";
  pipe.setEncoding("utf8");
  pipe.on("data", (piece: string) => {
    text += piece;
    if (text.includes("\n")) resolve(Number(text));
  });
  pipe.once("close", () => {
    resolve(0);
    child.stdin?.destroy();
  });
  // A shell that has gone reads nothing.
  child.stdin?.on("error", () => undefined);
  return promise;
}

async function guardedExit(child: ChildProcess, pid: Promise<number>): Promise<Exit> {
  const pipeClosed = new Promise((settle) => child.stdio[4]?.once("close", settle));
  const { code, signal } = await exitOf(child);
  if (code !== null) return fromShell(code);
  // The guard itself was killed: then this process is the last that can end the program.
  const number = await pid;
  if (number !== 0) killIfThere(number, "SIGKILL");
  await pipeClosed;
  return { code, signal };
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((settle) => {
    child.once("exit", (code, signal) => settle({ code, signal }));
    child.once("error", () => settle({ code: null, signal: null }));
  });
}

/** A shell says 128 and the signal's number of a program that was ended by one. */
function fromShell(code: number): Exit {
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return signal === undefined ? { code, signal: null } : { code: null, signal: signal as NodeJS.Signals };
}

function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
