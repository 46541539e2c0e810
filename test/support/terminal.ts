/** Commands of a page, typed into a shell as a reader types them. */
import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { fencesOf } from "../repo/fences.ts";

export type Place = { readonly cwd: string; readonly env: NodeJS.ProcessEnv };

type Ended = { readonly stdout: string; readonly stderr: string };

/** A page whose blocks are taken one after another, so that its test sees which it has left out. */
export function readPage(path: string) {
  const text = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const fences = fencesOf(text);
  const open = new Set(fences.filter(({ mark }) => mark === "run"));
  return {
    text,
    /** The one block whose opening line says this. */
    block(info: string): string {
      const found = fences.filter(({ language, mark, name }) => [language, mark, name].join(" ").trim() === info);
      const [one] = found;
      if (one === undefined || found.length > 1) throw new Error(`${path} has ${found.length} blocks "${info}"`);
      open.delete(one);
      return one.text;
    },
    /** The blocks that are to be run and have no name, in their order. */
    unnamed(): readonly string[] {
      const found = [...open].filter(({ name }) => name === "");
      for (const one of found) open.delete(one);
      return found.map((one) => one.text);
    },
    /** All that are to be run, taken or not. */
    blocks: (): readonly string[] => fences.filter(({ mark }) => mark === "run").map((one) => one.text),
    /** Opening lines of what is to be run and was not taken. */
    left: (): readonly number[] => [...open].map(({ line }) => line),
  };
}

/** Ends with the first command that fails; an answer of 400 and above is a failure. */
export async function shell({ cwd, env }: Place, commands: string): Promise<Ended> {
  const strict = `curl() { command curl --fail-with-body "$@"; }\n${commands}`;
  try {
    return await promisify(execFile)("bash", ["-e", "-c", strict], { cwd, env });
  } catch (error) {
    const { stdout = "", stderr = "" } = error as Partial<Ended>;
    throw new Error(`${commands}\n${stdout}\n${stderr}`, { cause: error });
  }
}

export type Terminal = {
  /** Resolves with the match once it was printed; rejects when the command ends without. */
  says(wanted: RegExp): Promise<string>;
  readonly code: Promise<number | null>;
  output(): string;
  /** To the command and all that it has started. */
  signal(name: NodeJS.Signals): void;
};

/** One command that goes on: a terminal of its own. */
export function terminal({ cwd, env }: Place, command: string): Terminal {
  const child = spawn("bash", ["-e", "-c", `exec ${command.trim()}`], {
    cwd,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const changed = new Set<() => void>();
  const look = (): void => {
    for (const one of changed) one();
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      look();
    });
  }
  let isOver = false;
  const code = new Promise<number | null>((settle) =>
    child.once("close", (number) => {
      isOver = true;
      settle(number);
      look();
    }),
  );
  return {
    async says(wanted) {
      return new Promise((settle, fail) => {
        const one = (): void => {
          const found = wanted.exec(output)?.[0];
          if (found === undefined && !isOver) return;
          changed.delete(one);
          if (found === undefined) fail(new Error(output));
          else settle(found);
        };
        changed.add(one);
        one();
      });
    },
    code,
    output: () => output,
    signal(name) {
      if (child.pid !== undefined && !isOver) process.kill(-child.pid, name);
    },
  };
}
