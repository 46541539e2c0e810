/** The command line as a newcomer types it: the real command, in an empty folder, against real processes. */
import { execFile } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGpuSimulator } from "../../backends/gpu-simulator/server.ts";
import type { GpuSimulator } from "../../backends/gpu-simulator/simulator.ts";
import { freePort } from "../support/free-port.ts";
import { type Terminal, terminal } from "../support/terminal.ts";

const root = join(import.meta.dirname, "../..");
const launcher = join(root, "bin/warmpath.mjs");

type Said = { readonly code: number; readonly out: string; readonly err: string };

/** As a shell without any of ours would have it. */
const bare = (more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => {
  const {
    WARMPATH_KEY: _key,
    WARMPATH_KEY_PEPPER: _pepper,
    WARMPATH_URL: _url,
    npm_lifecycle_event: _npm,
    ...env
  } = process.env;
  return { ...env, ...more };
};

async function run(
  cwd: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
  file = launcher,
): Promise<Said> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file, ...args], { cwd, env: bare(more) });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const {
      code = null,
      stdout = "",
      stderr = "",
    } = error as { code?: number | null; stdout?: string; stderr?: string };
    if (typeof code !== "number") throw error;
    return { code, out: stdout, err: stderr };
  }
}

const folder = (): string => mkdtempSync(join(tmpdir(), "warmpath-command-"));

describe("from an empty folder to an answer", () => {
  let dir: string;
  let port: number;
  let gpus: readonly GpuSimulator[];
  let router: Terminal;
  let init: Said;

  const warmpath = async (...args: readonly string[]): Promise<Said> =>
    run(dir, args, { WARMPATH_URL: `http://127.0.0.1:${port}` });
  const json = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse((await warmpath(...args, "--json")).out) as unknown;

  beforeAll(async () => {
    dir = folder();
    port = await freePort();
    gpus = await Promise.all([0, 1].map(async () => startGpuSimulator({ model: "org/Tiny-1B" })));
    init = await run(dir, ["init", ...gpus.flatMap(({ url }) => ["--url", url])]);
    router = terminal({ cwd: dir, env: bare() }, `${process.execPath} ${launcher} serve --port ${port}`);
    await router.says(/Ctrl-C stops it/);
  });
  afterAll(async () => {
    router.signal("SIGTERM");
    const code = await router.code;
    await Promise.all(gpus.map(async (gpu) => gpu.close()));
    rmSync(dir, { recursive: true, force: true });
    expect(code).toBe(0);
  });

  test("init writes a config, and an env file for this user alone", () => {
    expect(init).toMatchObject({ code: 0, out: "" });
    expect(readdirSync(dir)).toEqual(expect.arrayContaining([".env", ".gitignore", "warmpath.jsonc"]));
    expect(statSync(join(dir, ".env")).mode & 0o777).toBe(0o600);
    const [key = ""] = /wp_\S+/.exec(readFileSync(join(dir, ".env"), "utf8")) ?? [];
    expect(key).not.toBe("");
    expect(init.err + readFileSync(join(dir, "warmpath.jsonc"), "utf8")).not.toContain(key);
  });

  test("init overwrites nothing, unless it is told to, and keeps what was there", async () => {
    const elsewhere = folder();
    writeFileSync(join(elsewhere, "warmpath.jsonc"), "mine");
    writeFileSync(join(elsewhere, ".env"), "WARMPATH_KEY=old\nOTHER=1\n");
    const [gpu] = gpus;
    const url = gpu?.url ?? "";
    const refused = await run(elsewhere, ["init", "--url", url]);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("error[exists]");
    expect(readFileSync(join(elsewhere, "warmpath.jsonc"), "utf8")).toBe("mine");
    expect((await run(elsewhere, ["init", "--url", url, "--force"])).code).toBe(0);
    expect(readFileSync(join(elsewhere, "warmpath.jsonc.before"), "utf8")).toBe("mine");
    expect(readFileSync(join(elsewhere, ".env"), "utf8")).toMatch(/^# before: WARMPATH_KEY=old\nOTHER=1\n/);
    rmSync(elsewhere, { recursive: true });
  });

  test("init takes the servers of a LiteLLM config", async () => {
    const elsewhere = folder();
    const entry = {
      model_name: "gpt",
      litellm_params: { model: "hosted_vllm/org/Tiny-1B", api_base: `${gpus[0]?.url}/v1` },
    };
    writeFileSync(join(elsewhere, "config.yaml"), JSON.stringify({ model_list: [entry] }));
    expect((await run(elsewhere, ["init", "--litellm", "config.yaml"])).code).toBe(0);
    expect(await run(elsewhere, ["check"])).toMatchObject({
      code: 0,
      out: "warmpath.jsonc is right: 1 pools, 1 endpoints, 1 keys\n",
    });
    rmSync(elsewhere, { recursive: true });
  });

  test("send prints the answer alone on stdout, and beside it where it came from", async () => {
    const sent = await warmpath("send", "Say", "something", "--max-tokens", "5");
    expect(sent.code).toBe(0);
    expect(sent.out.trim().split(" ")).toHaveLength(5);
    expect(sent.err).toMatch(/^org\/Tiny-1B at gpu-[12] \(\w+\), \d+ ms\n$/);
    expect(await json("send", "hi", "--max-tokens", "2")).toMatchObject({ usage: { completion_tokens: 2 } });
  });

  test("status, explain, drain and undrain show and change the fleet", async () => {
    expect((await warmpath("status")).out).toMatch(/gpu-1 +admitting[\s\S]*gpu-2 +admitting/);
    expect((await warmpath("drain", "gpu-1")).out).toBe("gpu-1: takes nothing new, 0 in flight\n");
    expect((await warmpath("status")).out).toMatch(/gpu-1 +draining/);
    expect((await warmpath("explain", "--model", "org/Tiny-1B")).out).toMatch(/would go to gpu-2\n$/);
    expect((await warmpath("undrain", "gpu-1")).out).toBe("gpu-1: takes traffic, 0 in flight\n");
    writeFileSync(join(dir, "request.json"), JSON.stringify({ pool: "tiny-1b", inputTokens: 10 }));
    expect(await json("explain", "request.json")).toMatchObject({ pool: "tiny-1b", decision: { kind: "chosen" } });
    expect(await json("drain", "--pool", "tiny-1b")).toMatchObject({ drained: true, unreached: [] });
    expect((await warmpath("undrain", "--pool", "tiny-1b")).out).toMatch(
      /gpu-1: takes traffic.*\ngpu-2: takes traffic/,
    );
  });

  test("keys are made, listed, rotated and revoked", async () => {
    const made = await warmpath("keys", "create", "--tenant", "acme", "--label", "app", "--spend-per-day", "5");
    const key = made.out.trim();
    expect(key).toMatch(/^wp_app-/);
    const asked = async (one: string): Promise<number> =>
      (await fetch(`http://127.0.0.1:${port}/v1/models`, { headers: { authorization: `Bearer ${one}` } })).status;
    expect(await asked(key)).toBe(200);
    const { data } = (await json("keys", "list", "--tenant", "acme")) as { data: { id: string; limits: object }[] };
    expect(data).toMatchObject([{ limits: { spendPerDay: 5 } }]);
    const id = data[0]?.id ?? "";
    expect((await warmpath("keys", "list")).out).toContain(id);
    const second = (await warmpath("keys", "rotate", id, "--overlap", "60")).out.trim();
    expect(await asked(second)).toBe(200);
    expect((await warmpath("keys", "revoke", id)).code).toBe(0);
    expect((await warmpath("keys", "create", "--tenant", "acme", "--scope", "root")).err).toContain(
      "--scope takes infer",
    );
  });

  test("jobs are listed, shown, held and let go", async () => {
    const [, key = ""] = /WARMPATH_KEY=(\S+)/.exec(readFileSync(join(dir, ".env"), "utf8")) ?? [];
    await warmpath("jobs", "pause", "tiny-1b");
    const submitted = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", prefer: "respond-async" },
      body: JSON.stringify({ model: "org/Tiny-1B", messages: [{ role: "user", content: "hi" }] }),
    });
    const { id } = (await submitted.json()) as { id: string };
    expect((await warmpath("jobs", "pools")).out).toMatch(/tiny-1b +paused +1 queued/);
    expect((await warmpath("jobs", "list", "tiny-1b")).out).toContain(id.split("~")[0]);
    expect((await warmpath("jobs", "cancel", "tiny-1b", id)).out).toMatch(/: cancelled$/m);
    expect(await json("jobs", "show", "tiny-1b", id)).toMatchObject({ status: "cancelled" });
    expect((await warmpath("jobs", "resume", "tiny-1b")).code).toBe(0);
    expect((await warmpath("jobs", "workers", "tiny-1b")).code).toBe(0);
    expect((await warmpath("jobs", "list", "nowhere")).err).toContain("error[");
  });

  test("tail prints a line for each request that ends", async () => {
    const [, key = ""] = /WARMPATH_KEY=(\S+)/.exec(readFileSync(join(dir, ".env"), "utf8")) ?? [];
    const tail = terminal(
      { cwd: dir, env: bare() },
      `${process.execPath} ${launcher} tail --url http://127.0.0.1:${port}`,
    );
    const ended = new AbortController();
    const sending = (async () => {
      while (!ended.signal.aborted) {
        const response = await fetch(`http://127.0.0.1:${port}/v1/models/none`, {
          headers: { authorization: `Bearer ${key}` },
        });
        await response.arrayBuffer();
        await warmpath("send", "hi", "--max-tokens", "1");
      }
    })();
    expect(await tail.says(/200 \w+.* gpu-[12] /)).toBeTruthy();
    ended.abort();
    await sending;
    tail.signal("SIGKILL");
    await tail.code;
  });

  test("doctor asks every endpoint, and remembers that this config was tried", async () => {
    expect((await warmpath("doctor")).out).toContain("not_tested");
    const live = await warmpath("doctor", "--live", "--concurrency", "1");
    expect(live.code).toBe(0);
    expect(live.out).toMatch(/gpu-1 +ready +\d+ ms +org\/Tiny-1B +32768 +chat/);
    expect((await warmpath("doctor")).out).not.toContain("not_tested");
  });
});

describe("what is wrong is told with what to do", () => {
  let dir: string;
  beforeAll(() => (dir = folder()));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test.each([
    [["doctr"], 2, "Did you mean doctor?"],
    [["doctor", "--profil", "cost"], 2, "Did you mean --profile?"],
    [["doctor", "--profile", "fast"], 2, "Allowed choices are production, development, cost"],
    [["keys", "create"], 2, "--tenant"],
    [["check"], 1, '"warmpath init" writes one'],
    [["check", "none.jsonc"], 1, "error[no_config]"],
    [["send", "hi"], 1, "WARMPATH_KEY is not set"],
    [["init"], 1, "name one with --url"],
    [["init", "--url", "http://"], 1, "error[bad_url]"],
    [["init", "--litellm", "none.yaml"], 1, "cannot be read"],
    [["explain", "none.json"], 1, "error[bad_file]"],
    [["serve", "--port", "x"], 1, "--port must be"],
    [["serve"], 1, "cannot read warmpath.jsonc"],
  ] as const)("%j", async (args, code, told) => {
    const said = await run(dir, args);
    expect(said.code).toBe(code);
    expect(said.err).toContain(told);
    expect(said.out).toBe("");
  });

  test("a router that is not there", async () => {
    const said = await run(dir, ["status"], {
      WARMPATH_KEY: "wp_a_b",
      WARMPATH_URL: `http://127.0.0.1:${await freePort()}`,
    });
    expect(said).toMatchObject({ code: 1, out: "" });
    expect(said.err).toContain("error[no_answer]");
  });

  test("a key that is not the router's, and an address that is no router", async () => {
    const gpu = await startGpuSimulator({ model: "m" });
    const said = await run(dir, ["status"], { WARMPATH_KEY: "wp_a_b", WARMPATH_URL: gpu.url });
    await gpu.close();
    expect(said.code).toBe(1);
    expect(said.err).toContain("answered 404");
  });

  test("a mistake in the config, with its line and a caret, or as JSON", async () => {
    writeFileSync(join(dir, "bad.jsonc"), '{\n  "regions": {},\n  "polls": {}\n}\n');
    const said = await run(dir, ["check", "bad.jsonc"]);
    expect(said.code).toBe(1);
    expect(said.err).toMatch(/bad\.jsonc:3:3[\s\S]*\^[\s\S]*did you mean "pools"/);
    const told = await run(dir, ["check", "bad.jsonc", "--json"]);
    expect(told.code).toBe(1);
    expect(JSON.parse(told.out)).toMatchObject({
      ok: false,
      problems: expect.arrayContaining([expect.objectContaining({ line: 3 })]),
    });
  });
});

test("cost shows what GPU workers cost and who waits", async () => {
  const dir = folder();
  const { out, code } = await run(dir, ["cost", "--per-hour", "2", "--hours", "48"]);
  expect(code).toBe(0);
  expect(out).toMatch(/^workers +GPU[\s\S]*\n\(0,3\) +ADA_24[\s\S]*\n\(3,3\) +ADA_24 +\$3\.348 /);
  const { rows } = JSON.parse((await run(dir, ["cost", "--workers", "1,1", "--gpu", "MINE", "--json"])).out) as {
    rows: object[];
  };
  expect(rows).toMatchObject([{ gpu: "MINE", perHour: null, waitMs: { first: 0 } }]);
  for (const [option, value] of [
    ["--workers", "3,1"],
    ["--cold", "90,20"],
    ["--slots", "0"],
    ["--hours", "9999999"],
  ]) {
    expect(await run(dir, ["cost", option ?? "", value ?? ""])).toMatchObject({ code: 1, out: "" });
  }
  expect((await run(dir, ["cost", "--trace", "none.csv"])).err).toContain("error[bad_trace]");
  rmSync(dir, { recursive: true });
});

test("schema prints what an editor reads", async () => {
  const { out } = await run(root, ["schema"]);
  expect(JSON.parse(out)).toMatchObject({ type: "object", properties: { pools: {} } });
});

test("an installed package has the same command, where Node itself runs no TypeScript", async () => {
  const dir = folder();
  const { stdout } = await promisify(execFile)("npm", ["pack", "--silent", "--pack-destination", dir], { cwd: root });
  const app = join(dir, "app/node_modules");
  mkdirSync(app, { recursive: true });
  await promisify(execFile)("tar", ["-xzf", join(dir, stdout.trim()), "-C", app]);
  const installed = join(app, "warmpath");
  statSync(join(app, "package/package.json"));
  await promisify(execFile)("mv", [join(app, "package"), installed]);
  // Its dependencies, as npm would lay them beside it.
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (!name.startsWith(".")) symlinkSync(join(root, "node_modules", name), join(app, name));
  }
  const gpu = await startGpuSimulator({ model: "m" });
  const port = await freePort();
  const file = join(installed, "bin/warmpath.mjs");
  const home = join(dir, "app");
  expect((await run(home, ["init", "--url", gpu.url], {}, file)).err).toContain("wrote warmpath.jsonc");
  const router = terminal({ cwd: home, env: bare() }, `${process.execPath} ${file} serve --port ${port}`);
  await router.says(/Ctrl-C stops it/);
  const sent = await run(home, ["send", "hi", "--max-tokens", "3"], { WARMPATH_URL: `http://127.0.0.1:${port}` }, file);
  expect(sent.out.trim().split(" ")).toHaveLength(3);
  router.signal("SIGTERM");
  expect(await router.code).toBe(0);
  await gpu.close();
  rmSync(dir, { recursive: true, force: true });
});
