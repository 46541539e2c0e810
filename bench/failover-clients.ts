/**
 * Who asks: a careful HTTP client by hand, and the published `openai` packages for Node and Python with their defaults
 * (two retries of their own). Each reports what its caller would have seen.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createParser } from "eventsource-parser";
import type { EventSourceMessage } from "eventsource-parser";
import OpenAI from "openai";
import { VERSION } from "openai/version";
import { PROMPT } from "./failover-scenarios.ts";

/** Pinned, so that two runs ask with the same client. */
const PYTHON_PACKAGE = "openai==3.51.0";
const INSTALL_MS_MAX = 180_000;
/** A result comes this much after the deadline at the latest, ms: the client's own clock ends the call. */
const GRACE_MS = 1_000;

export type Router = { readonly url: string; readonly key: string; readonly headers: Readonly<Record<string, string>> };

type Call = { readonly model: string; readonly stream: boolean; readonly deadlineMs: number };

export type CallResult = {
  readonly outcome: "answer" | "error" | "hang";
  readonly text: string;
  /** Of the answer's events; null: none came. */
  readonly model: string | null;
  readonly hasUsage: boolean;
  readonly error: string | null;
  readonly elapsedMs: number;
};

export type Client = {
  readonly name: string;
  ask(call: Call): Promise<CallResult>;
  close(): void;
};

type Seen = Omit<CallResult, "outcome" | "elapsedMs" | "error">;
type Partial = { text: string; model: string | null; hasUsage: boolean };

const MESSAGES = [{ role: "user" as const, content: PROMPT }];
const wholeBody = ({ model }: Call) => ({ model, messages: MESSAGES });
const streamBody = (call: Call) => {
  return { ...wholeBody(call), stream: true as const, stream_options: { include_usage: true } };
};
const bodyOf = (call: Call) => (call.stream ? streamBody(call) : wholeBody(call));

/** Runs one call under its deadline; what was read before a failure stays in `seen`. */
async function timed(call: Call, ask: (seen: Partial, signal: AbortSignal) => Promise<void>): Promise<CallResult> {
  const startedAtMs = performance.now();
  const seen: Partial = { text: "", model: null, hasUsage: false };
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), call.deadlineMs + GRACE_MS);
  const end = (outcome: CallResult["outcome"], error: string | null): CallResult => {
    return { ...seen, outcome, error, elapsedMs: performance.now() - startedAtMs };
  };
  try {
    await ask(seen, late.signal);
    return end("answer", null);
  } catch (error) {
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return end(late.signal.aborted ? "hang" : "error", said);
  } finally {
    clearTimeout(timer);
  }
}

type Chunk = {
  readonly error?: unknown;
  readonly model?: string;
  readonly usage?: unknown;
  readonly choices?: readonly { readonly delta?: { readonly content?: unknown } }[];
};

function take(seen: Partial, chunk: Chunk): void {
  seen.model = chunk.model ?? seen.model;
  if (chunk.usage) seen.hasUsage = true;
  for (const { delta } of chunk.choices ?? []) if (typeof delta?.content === "string") seen.text += delta.content;
}

/** Skips an event that is no JSON, takes an error event for an error, and otherwise believes the stream's end. */
export function rawClient(router: Router): Client {
  return {
    name: "raw HTTP",
    close: () => {},
    ask: (call) =>
      timed(call, async (seen, signal) => {
        const response = await fetch(`${router.url}/v1/chat/completions`, {
          method: "POST",
          signal,
          headers: { authorization: `Bearer ${router.key}`, "content-type": "application/json", ...router.headers },
          body: JSON.stringify(bodyOf(call)),
        });
        if (response.status !== 200) throw new Error(`${response.status} ${(await response.text()).slice(0, 200)}`);
        if (!call.stream) return takeWhole(seen, (await response.json()) as OpenAI.ChatCompletion);
        let failed: string | null = null;
        const parser = createParser({
          onEvent({ data }: EventSourceMessage) {
            const chunk = data === "[DONE]" ? null : jsonOf(data);
            if (chunk?.error) failed ??= JSON.stringify(chunk.error).slice(0, 200);
            else if (chunk !== null) take(seen, chunk);
          },
        });
        const decoder = new TextDecoder();
        for await (const bytes of response.body ?? []) parser.feed(decoder.decode(bytes, { stream: true }));
        if (failed !== null) throw new Error(`an error event: ${failed}`);
      }),
  };
}

function jsonOf(data: string): Chunk | null {
  try {
    return JSON.parse(data) as Chunk;
  } catch {
    return null;
  }
}

function takeWhole(seen: Partial, { model, usage, choices }: OpenAI.ChatCompletion): void {
  seen.text = choices[0]?.message.content ?? "";
  seen.model = model;
  seen.hasUsage = usage !== undefined;
}

export function nodeClient(router: Router): Client {
  const client = new OpenAI({
    baseURL: `${router.url}/v1`,
    apiKey: router.key,
    defaultHeaders: router.headers,
    logLevel: "off",
  });
  return {
    name: `openai ${VERSION} for Node`,
    close: () => {},
    ask: (call) =>
      timed(call, async (seen, signal) => {
        const { completions } = client.chat;
        if (!call.stream) return takeWhole(seen, await completions.create(wholeBody(call), { signal }));
        for await (const chunk of await completions.create(streamBody(call), { signal })) take(seen, chunk);
      }),
  };
}

/** A Python with the package, in a virtual environment under `folder`; the error says why there is none. */
export function installPython(folder: string): { readonly python: string } | { readonly skipped: string } {
  const run = (command: string, args: readonly string[]) =>
    spawnSync(command, args, { timeout: INSTALL_MS_MAX, encoding: "utf8" });
  const venv = join(folder, "venv");
  if (run(process.env["WARMPATH_PYTHON"] ?? "python3", ["-m", "venv", venv]).status !== 0) {
    return { skipped: "no Python 3 with `venv` here" };
  }
  const python = join(venv, "bin/python");
  const pip = run(python, ["-m", "pip", "install", "--quiet", PYTHON_PACKAGE]);
  if (pip.status === 0) return { python };
  const said = pip.stderr.trim().split("\n").at(-1) ?? "";
  return { skipped: `\`pip install ${PYTHON_PACKAGE}\` failed: ${said.slice(0, 200)}` };
}

/** One process for all calls: it reads a call a line and answers with a result a line. */
export function pythonClient(router: Router, python: string): Client {
  const child = spawn(python, [join(import.meta.dirname, "failover-client.py")], {
    stdio: ["pipe", "pipe", "inherit"],
    env: {
      ...process.env,
      BENCH_URL: `${router.url}/v1`,
      BENCH_KEY: router.key,
      BENCH_HEADERS: JSON.stringify(router.headers),
    },
  });
  const lines = createInterface({ input: child.stdout });
  return {
    name: `${PYTHON_PACKAGE.replace("==", " ")} for Python`,
    close: () => child.kill("SIGKILL"),
    async ask(call) {
      child.stdin.write(`${JSON.stringify({ body: bodyOf(call), deadlineMs: call.deadlineMs + GRACE_MS })}\n`);
      const ended = new AbortController();
      const onExit = () => ended.abort();
      child.once("exit", onExit);
      try {
        const [line] = (await once(lines, "line", { signal: ended.signal })) as [string];
        return JSON.parse(line) as Seen & CallResult;
      } finally {
        child.off("exit", onExit);
      }
    },
  };
}
