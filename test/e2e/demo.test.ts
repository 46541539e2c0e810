import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const demoPath = join(import.meta.dirname, "../../tools/demo/demo.ts");

/** The show takes about 15 s alone, and shares two cores with another file's workerd here. */
const SHOW_MS_MAX = 90_000;

const usualPorts = [8787, 8101, 8102, 8103] as const;

/** Finding a process by the environment that it inherited needs Linux's /proc. */
const hasProc = existsSync("/proc/self/environ");

type Demo = {
  readonly child: ChildProcess;
  /** What it and its children have printed. */
  output(): string;
  /** Resolves with the match once the output has it; rejects when the demo ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
};

let mark: string;
let temporary: string;
let demos: Demo[];

beforeEach(() => {
  mark = `warmpath-demo-test-${randomUUID()}`;
  temporary = mkdtempSync(join(tmpdir(), "warmpath-test-"));
  demos = [];
});

afterEach(async () => {
  for (const { child } of demos) child.kill("SIGKILL");
  await Promise.all(demos.map(({ exit }) => exit));
  for (const pid of marked()) process.kill(pid, "SIGKILL");
  rmSync(temporary, { recursive: true, force: true });
});

/** In a process group of its own, as a shell starts it, so that a Ctrl-C reaches the whole group. */
function start(...args: string[]): Demo {
  const child = spawn(process.execPath, [demoPath, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: { PATH: process.env["PATH"], TMPDIR: temporary, DEMO_TEST_MARK: mark },
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  const exit = once(child, "close").then(([code, signal]) => ({ code, signal }));
  const printed = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(text);
        if (match !== null) resolve(match);
      };
      child.stdout.on("data", look);
      look();
      void exit.then(() => reject(new Error(`ended without ${pattern}:\n${text}`)));
    });
  const demo = { child, exit, printed, output: () => text };
  demos.push(demo);
  return demo;
}

/** Running processes that inherited the mark: the demo and whatever it started. */
function marked(): number[] {
  if (!hasProc) return [];
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/environ`, "utf8").includes(mark) ? [Number(name)] : [];
    } catch {
      // It ended in the meantime, or is somebody else's.
      return [];
    }
  });
}

/** Nobody else announces that a process is gone; the test's own time-out bounds the wait. */
async function allGone(): Promise<void> {
  while (marked().length > 0 || readdirSync(temporary).length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function occupy(port: number): Promise<Server | null> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
    return server;
  } catch {
    // Somebody has it already, which is as good.
    return null;
  }
}

/** What the model said holds both secrets, cut; what the client saw is the same text with two markers. */
function expectRedactedStream(output: string): void {
  const [, said = ""] = /\n {2}endpoint sent {6}(.*)\n/.exec(output) ?? [];
  const [, saw = ""] = /\n {2}client saw {9}(.*)\n/.exec(output) ?? [];
  const whole = /^(.*)ann\.lee@example\.org(.*)AKIA[A-Z2-7]{16}(.*)$/.exec(said.replaceAll("|", ""));
  expect(said).not.toMatch(/ann\.lee@example\.org|AKIA[A-Z2-7]{16}/);
  expect(saw.split(/\[REDACTED:[a-z_]+\]/)).toEqual(whole?.slice(1));
  expect(output).toMatch(/ok {2}a stream is redacted on its way: 0 of the 39 characters of 2 secrets arrived/);
  expect(output).toMatch(/ok {2}the text around them is intact, and its first words came before the last were said/);
}

function expectJobs(output: string): void {
  const started = output.matchAll(/\n {2}[0-9a-f]{8} +(\d+) ms {2}gpu-\w+ +\d+ ms {2}completed(?=\n)/g);
  expect([...started]).toHaveLength(5);
  expect(output).toMatch(/ok {2}a job starts at once: 5 of 5 reached an endpoint, after \d+ ms to \d+ ms\n/);
  const [, killed = ""] = /kill -9 \d+ {2}\((gpu-\w+), which runs the job [\w-]+\)/.exec(output) ?? [];
  const moved = /ok {2}re-queued once, completed at attempt 2: (gpu-\w+), then (gpu-\w+)\n/.exec(output);
  expect(moved?.[1]).toBe(killed);
  expect(moved?.[2]).not.toBe(killed);
  const history = [...output.matchAll(/\n +\d+ ms {2}(queued|running|retrying|completed)\b *(\S.*)?(?=\n)/g)];
  expect(history.map(([, state]) => state)).toEqual([
    "queued",
    "running",
    "retrying",
    "queued",
    "running",
    "completed",
  ]);
  expect(history[2]?.[2]).toBe("endpoint_lost");
  expect(output).toMatch(/ok {2}each job completed exactly once: 6 of 6 COMPLETED, 0 lost\n/);
  expect(output).toMatch(/ok {2}and ran once, the killed one twice: 7 runs at endpoints for 6 jobs\n/);
}

describe("the show", () => {
  test(
    "chooses the near warm endpoint, explains, reroutes, recovers, wakes, redacts, runs jobs, with its usual ports taken",
    async () => {
      const servers = await Promise.all(usualPorts.map(occupy));
      try {
        const demo = start("--exit");
        expect(await demo.exit, demo.output()).toEqual({ code: 0, signal: null });
        const output = demo.output();
        expect(output).toMatch(/ok {2}near warm chosen: New York went to gpu-virginia/);
        expect(output).toMatch(/ok {2}cold not chosen: gpu-tokyo has had 0 requests and is cold/);
        expect(output).toMatch(/Tokyo +gpu-(virginia|frankfurt) /);
        // Every candidate with its cost in ms and its reason, the lowest sum first.
        expect(output).toMatch(
          /\n {2}endpoint +net .* cold .* sum +why\n {2}gpu-frankfurt +\d.* chosen: no warm endpoint/,
        );
        expect(output).toMatch(/\n {2}gpu-virginia +\d.* \d+ ms farther/);
        expect(output).toMatch(/\n {2}gpu-tokyo +\d.* cold: 25,000 ms\n/);
        expect(output).toMatch(
          /ok {2}3 endpoints explained: lowest warm sum (\S+), chosen \1, Tokyo's request went to \1\n/,
        );
        expect(output).toMatch(/ok {2}asking sends nothing: 0 requests reached an endpoint/);
        expect(output).toMatch(/ok {2}near killed -> far: (\d+) of \1 went to gpu-frankfurt/);
        expect(output).toMatch(/ok {2}recovery -> near: requests go to gpu-virginia again/);
        expect(output).toMatch(/ok {2}cold not chosen in all this: gpu-tokyo has had 0 requests and is cold/);
        expect(output).toMatch(/ok {2}woken once: gpu-tokyo got 1 wake-up for \d+ requests/);
        expect(output).toMatch(
          /ok {2}nobody waited for its cold start: warm endpoints served ([1-9]\d*) of \1 meanwhile/,
        );
        expect(output).toMatch(
          /ok {2}nothing came to it before it was warm: ([1-9]\d*) requests reached it, and it served \1\n/,
        );
        expect(output).toMatch(/ok {2}warm, it takes traffic: [1-9]\d* of \d+ went to gpu-tokyo/);
        // Nobody was sent to it while it was not: the row of that time names the warm endpoints alone.
        expect(output).toMatch(/\n {2}not warm +\d+ +\d+ ms +gpu-frankfurt \d+(, gpu-virginia \d+)?\n/);
        expect(output.match(/ok {2}0 of \d+ clients saw an error/g)).toHaveLength(2);
        expect(output).toMatch(/streamed: first token after \d+ ms, 32 tokens/);
        expect(output).toMatch(/ok {2}a secret is redacted/);
        expectRedactedStream(output);
        expectJobs(output);
        expect(output).not.toContain("FAILED");
        for (const port of usualPorts) expect(output).not.toContain(`:${port}`);
        await allGone();
      } finally {
        for (const server of servers) server?.close();
      }
    },
    SHOW_MS_MAX,
  );

  test(
    "says what was not as it should be and ends with 1, also without --exit",
    async () => {
      const demo = start("--port", "0");
      const [, pid] = await demo.printed(/gpu-frankfurt .* (\d+)\n/);
      process.kill(Number(pid), "SIGKILL");
      expect(await demo.exit).toEqual({ code: 1, signal: null });
      expect(demo.output()).toMatch(/FAILED {2}near killed -> far/);
      expect(demo.output()).toMatch(/not as it should be: .*near killed -> far/);
      await allGone();
    },
    SHOW_MS_MAX,
  );

  test(
    "tells when the cold endpoint was sent a request before it was warm",
    async () => {
      const demo = start("--exit", "--port", "0");
      const [, address = ""] = await demo.printed(/gpu-tokyo .* (127\.0\.0\.1:\d+) .*\n/);
      await demo.printed(/6\. A rush/);
      // As a router would that did not know: the endpoint refuses it, and has counted it.
      const body = JSON.stringify({ model: "demo-model", messages: [{ role: "user", content: "Hello" }] });
      const response = await fetch(`http://${address}/v1/chat/completions`, { method: "POST", body });
      expect([response.status, await response.text()]).toEqual([400, "timed out waiting for worker"]);
      expect(await demo.exit, demo.output()).toEqual({ code: 1, signal: null });
      expect(demo.output()).toMatch(/FAILED {2}nothing came to it before it was warm: \d+ requests? reached it/);
      expect(demo.output()).toMatch(/not as it should be: .*nothing came to it before it was warm/);
      await allGone();
    },
    SHOW_MS_MAX,
  );

  test(
    "tells when a job did not complete",
    async () => {
      const demo = start("--exit", "--port", "0");
      const [, url = ""] = await demo.printed(/router {3}(\S+)/);
      const [, key = ""] = await demo.printed(/dev key {2}(\S+)/);
      const [, jobId = ""] = await demo.printed(/which runs the job (\S+)\)\n/);
      const headers = { authorization: `Bearer ${key}` };
      const response = await fetch(`${url}/v2/demo/cancel/${jobId}`, { method: "POST", headers });
      expect(await response.json()).toMatchObject({ id: jobId, status: "CANCELLED" });
      expect(await demo.exit, demo.output()).toEqual({ code: 1, signal: null });
      expect(demo.output()).toMatch(/FAILED {2}each job completed exactly once: 5 of 6 COMPLETED, 0 lost/);
      expect(demo.output()).toMatch(/not as it should be: .*each job completed exactly once/);
      await allGone();
    },
    SHOW_MS_MAX,
  );
});

describe("after the show", () => {
  test(
    "it serves what it has printed until Ctrl-C, then ends with 0",
    async () => {
      const demo = start("--port", "0");
      await demo.printed(/Serving on/);
      const [, url = ""] = await demo.printed(/curl -iN (\S+)/);
      const [, key = ""] = await demo.printed(/export WARMPATH_KEY=(\S+)/);
      const [, body = ""] = await demo.printed(/-d '(.*)'/);
      const headers = {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        "x-warmpath-place": "us-east",
      };
      const response = await fetch(url, { method: "POST", headers, body });
      expect(response.headers.get("x-warmpath-endpoint")).toBe("gpu-virginia");
      expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/);
      // A terminal's Ctrl-C goes to the whole group, and npm passes it on once more.
      process.kill(-(demo.child.pid ?? 0), "SIGINT");
      demo.child.kill("SIGINT");
      expect(await demo.exit).toEqual({ code: 0, signal: null });
      await allGone();
    },
    SHOW_MS_MAX,
  );

  test.skipIf(!hasProc)(
    "nothing stays behind even when the demo itself is killed with SIGKILL",
    async () => {
      const demo = start("--port", "0");
      await demo.printed(/2\. Requests/);
      // The demo, its guard, three endpoints and the router.
      expect(marked().length).toBeGreaterThanOrEqual(6);
      demo.child.kill("SIGKILL");
      await allGone();
    },
    SHOW_MS_MAX,
  );
});

describe("a signal before the end of the show", () => {
  test.each([
    ["SIGINT", /Warmpath/, 130],
    ["SIGTERM", /1\. The fleet/, 143],
    ["SIGINT", /4\. gpu-virginia/, 130],
    ["SIGTERM", /6\. A rush/, 143],
    ["SIGINT", /8\. Jobs/, 130],
  ] as const)("%s after %s ends it with status %i", { timeout: SHOW_MS_MAX }, async (signal, when, code) => {
    const demo = start("--exit", "--port", "0");
    await demo.printed(when);
    process.kill(-(demo.child.pid ?? 0), signal);
    expect(await demo.exit).toEqual({ code, signal: null });
    expect(demo.output()).toMatch(/Stopped before the show was over\.\n$/);
    await allGone();
  });
});

describe("the arguments", () => {
  test("--help lists every option", async () => {
    const demo = start("--help");
    expect(await demo.exit).toEqual({ code: 0, signal: null });
    for (const option of ["--exit", "--port", "--help"]) expect(demo.output()).toContain(option);
  });

  test.each([
    ["an unknown option", ["--exti"], /^Unknown option '--exti'\n/],
    ["a port that is none", ["--port", "65536"], /^--port must be 0 to 65535, not "65536"\n/],
    ["a port without a number", ["--port"], /--port/],
    ["an argument that is no option", ["now"], /'now'/],
  ])("%s is refused with 2 and the usage", async (_, args, message) => {
    const demo = start(...args);
    expect(await demo.exit).toEqual({ code: 2, signal: null });
    expect(demo.output()).toMatch(message);
    expect(demo.output()).toContain("npm start -- [options]");
  });

  test("a port that was asked for and is taken is an error, not another port", { timeout: SHOW_MS_MAX }, async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const demo = start("--exit", "--port", String(port));
    expect(await demo.exit).toEqual({ code: 1, signal: null });
    expect(demo.output()).toContain(`port ${port} is taken: choose another with --port, or leave it out`);
    server.close();
    await allGone();
  });
});
