import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startWorkerd, type Workerd, type WorkerdOptions } from "../../../tools/cli/workerd.ts";

const hello = `export default { fetch: () => new Response("hello") };`;

/** Counts its visits, in SQLite. */
const counter = `
import { DurableObject } from "cloudflare:workers";
export class VisitCounter extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS visits (at INTEGER)");
  }
  visit() {
    this.ctx.storage.sql.exec("INSERT INTO visits VALUES (1)");
    return this.ctx.storage.sql.exec("SELECT count(*) AS n FROM visits").one().n;
  }
}
export default {
  async fetch(request, env) {
    return new Response(String(await env.VISIT_COUNTER.getByName("one").visit()));
  },
};`;

const started: Workerd[] = [];
let stateDir: string;

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "warmpath-test-"));
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((workerd) => workerd.kill()));
  rmSync(stateDir, { recursive: true, force: true });
});

async function start(options: WorkerdOptions): Promise<Workerd> {
  const workerd = await startWorkerd(options);
  started.push(workerd);
  return workerd;
}

const get = async (url: string): Promise<string> => (await fetch(url)).text();

/** The guard; Linux says so. */
const parentOf = (pid: number): number =>
  Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

/** Resolves when the other side is gone: a process that dies drops its connections. */
function connectionLost(port: number): { readonly open: Promise<void>; readonly lost: Promise<void> } {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  return {
    open: new Promise((settle) => socket.once("connect", () => settle())),
    lost: new Promise((settle) => socket.once("close", () => settle())),
  };
}

describe("starting", () => {
  test("a script answers as soon as the launcher resolves", async () => {
    const workerd = await start({ script: hello });
    expect(await get(workerd.url)).toBe("hello");
    expect(workerd.url).toBe(`http://127.0.0.1:${workerd.port}`);
  });

  test("two instances on port 0 get different ports, and one reaches the other over loopback", async () => {
    const upstream = await start({ script: hello });
    const proxy = await start({
      script: `export default { fetch: (request, env) => fetch(env.UPSTREAM) };`,
      bindings: { UPSTREAM: upstream.url },
    });
    expect(proxy.port).not.toBe(upstream.port);
    expect(await get(proxy.url)).toBe("hello");
  });

  test.each([
    ["plain text", "plain"],
    ["quotes and backslashes", String.raw`{"path":"C:\\x","quote":"\""}`],
    ["line breaks and control characters", "a\n\tb\r\u0000\u0001\u007f"],
    ["text beyond ASCII", "é \u0085 漢字 😀"],
    ["nothing", ""],
  ])("a text binding arrives unchanged: %s", async (_, value) => {
    const script = `export default { fetch: (request, env) => new Response(env.VALUE) };`;
    const workerd = await start({ script, bindings: { VALUE: value } });
    expect(await get(workerd.url)).toBe(value);
  });

  test("what the Worker prints can be read", async () => {
    const workerd = await start({
      script: `export default { fetch() { console.log("seen"); throw new Error("x"); } };`,
    });
    expect((await fetch(workerd.url)).status).toBe(500);
    await workerd.stop();
    expect(workerd.output()).toContain("seen");
  });
});

describe("failing to start", () => {
  test("a taken port is its own reason", async () => {
    const first = await start({ script: hello });
    await expect(startWorkerd({ script: hello, port: first.port })).rejects.toMatchObject({ reason: "port_taken" });
  });

  test("a script that does not parse is reported with workerd's message", async () => {
    const failure = startWorkerd({ script: "export default {" });
    await expect(failure).rejects.toMatchObject({ reason: "failed", message: expect.stringContaining("SyntaxError") });
  });

  test("a bundle that does not exist is reported with the command that makes it", async () => {
    const failure = startWorkerd({ bundlePath: join(stateDir, "no.js") });
    await expect(failure).rejects.toThrow(`no.js is missing: run "npm run build" first`);
  });
});

describe("state of a Durable Object", () => {
  const options = { script: counter, className: "VisitCounter" };

  test("on disk it survives a kill and a restart", async () => {
    const first = await start({ ...options, stateDir });
    expect(await get(first.url)).toBe("1");
    expect(await get(first.url)).toBe("2");
    await first.kill();
    const second = await start({ ...options, stateDir });
    expect(await get(second.url)).toBe("3");
  });

  test("without a folder it starts empty and leaves nothing behind", async () => {
    const temporary = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`warmpath-state-${process.pid}-`));
    const first = await start(options);
    expect(await get(first.url)).toBe("1");
    expect(temporary()).toHaveLength(1);
    await first.stop();
    expect(temporary()).toHaveLength(0);
    const second = await start(options);
    expect(await get(second.url)).toBe("1");
  });
});

describe("ending", () => {
  test.each(["stop", "kill"] as const)("after %s() the process is gone, and a second call is harmless", async (how) => {
    const workerd = await start({ script: hello });
    expect(process.kill(workerd.pid, 0)).toBe(true);
    await workerd[how]();
    expect(() => process.kill(workerd.pid, 0)).toThrow("ESRCH");
    await workerd[how]();
  });

  test("exited tells a crash from a stop", async () => {
    const [stopped, killed] = await Promise.all([start({ script: hello }), start({ script: hello })]);
    await Promise.all([stopped.stop(), killed.kill()]);
    expect(await stopped.exited).toEqual({ code: 0, signal: null });
    expect(await killed.exited).toEqual({ code: null, signal: "SIGKILL" });
  });

  test("a guard that is killed takes workerd with it", async () => {
    const workerd = await start({ script: hello });
    const connection = connectionLost(workerd.port);
    await connection.open;
    process.kill(parentOf(workerd.pid), "SIGKILL");
    await connection.lost;
    expect((await workerd.exited).signal).toBe("SIGKILL");
  });

  test.each([
    ["a signal", "SIGTERM"],
    ["a signal that it cannot hear", "SIGKILL"],
    ["its own exit", undefined],
  ] as const)("workerd dies with a parent that ends by %s", async (_, signal) => {
    const launcher = new URL("../../../tools/cli/workerd.ts", import.meta.url).href;
    const program = `
      const { startWorkerd } = await import(${JSON.stringify(launcher)});
      const workerd = await startWorkerd({ script: ${JSON.stringify(hello)} });
      process.stdout.write(String(workerd.port));
      process.stdin.once("data", () => process.exit(0));`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const port = await new Promise<number>((settle) =>
      parent.stdout.once("data", (chunk: Buffer) => settle(Number(chunk.toString()))),
    );
    const connection = connectionLost(port);
    await connection.open;
    if (signal === undefined) parent.stdin.write("end\n");
    else parent.kill(signal);
    await connection.lost;
  });
});
