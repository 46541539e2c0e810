/** `warmpath plan` and `apply`, the real command, against the provider's documented API. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RUNPOD_FAKE_KEY, type RunpodFake, startRunpodFake } from "../support/runpod-api.ts";

const launcher = join(import.meta.dirname, "../../bin/warmpath.mjs");

let dir: string;
let fake: RunpodFake;
beforeAll(async () => {
  fake = await startRunpodFake();
  dir = mkdtempSync(join(tmpdir(), "warmpath-provider-"));
  const endpoint = (id: string) => ({
    id,
    region: "us",
    backend: "runpod-lb",
    url: `https://your-${id}.api.runpod.ai`,
    gpu: ["ADA_24"],
    provider: { image: "runpod/worker-vllm:1", env: { HF_TOKEN: { secret: "HF_TOKEN" } } },
  });
  const regions = { us: { lat: 39, lon: -77, hint: "enam" } };
  const config = { regions, pools: { llama: { endpoints: [endpoint("a"), endpoint("b")] } } };
  writeFileSync(join(dir, "warmpath.jsonc"), JSON.stringify(config));
});
afterAll(async () => {
  rmSync(dir, { recursive: true });
  await fake.close();
});

type Said = { readonly code: number; readonly stdout: string; readonly stderr: string };

async function warmpath(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> {
  const own = { RUNPOD_API_URL: fake.url, RUNPOD_API_KEY: RUNPOD_FAKE_KEY, HF_TOKEN: "hf_the-value", ...env };
  const options = { cwd: dir, env: { ...process.env, ...own } };
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [launcher, ...args], options)) };
  } catch (error) {
    const { code, stdout, stderr } = error as Said;
    return { code, stdout, stderr };
  }
}

test("what it would do is shown and not done; done once, it goes on after a failure, and then nothing is left", async () => {
  const planned = await warmpath(["plan"]);
  expect(planned.stdout).toMatch(/\+ a: made at Runpod as a\n[\s\S]*\+ b: [\s\S]*2 to change, 0 as they are to be\n$/);
  expect(planned.stdout + planned.stderr).not.toContain("hf_the-value");
  expect((await warmpath(["apply", "--dry-run"])).code).toBe(0);
  const unconfirmed = await warmpath(["apply"]);
  expect(unconfirmed).toMatchObject({ code: 1 });
  expect(unconfirmed.stderr).toContain("error[not_confirmed]");
  expect(fake.endpoints).toEqual([]);

  fake.failNext = { status: 403 };
  const failed = await warmpath(["apply", "--yes"]);
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(/error\[provider\]: create a failed: HTTP 403[\s\S]*0 done, 1 not tried \(b\)/);
  const done = await warmpath(["apply", "--yes", "--json"]);
  expect(JSON.parse(done.stdout)).toMatchObject({
    done: [{ endpoint: "a" }, { endpoint: "b" }],
    failed: null,
    left: [],
  });
  expect(done.stdout).not.toContain("hf_the-value");
  expect(done.stderr).toContain('write "url": "https://ep1x.api.runpod.ai" into the config');
  const [same] = [JSON.parse((await warmpath(["plan", "--json"])).stdout) as object];
  expect(same).toMatchObject({ changes: [], same: ["a", "b"] });
});

test.each([
  [["plan"], { RUNPOD_API_KEY: "" }, "error[no_key]"],
  [["plan"], { RUNPOD_API_KEY: "wrong" }, "missing bearer token"],
  [["plan"], { RUNPOD_API_URL: "http://127.0.0.1:1" }, "no answer"],
  [["plan", "none.jsonc"], {}, "error[no_config]"],
] as const)("%j with %j tells what is wrong", async (args, env, told) => {
  const said = await warmpath(args, env);
  expect(said).toMatchObject({ code: 1, stdout: "" });
  expect(said.stderr).toContain(told);
});

test("a secret that is not set is a problem of the plan, and nothing is done", async () => {
  const before = fake.calls.length;
  const said = await warmpath(["apply", "--yes"], { HF_TOKEN: "" });
  expect(said.code).toBe(1);
  expect(said.stderr).toContain("the secret HF_TOKEN, which is not set");
  expect(fake.calls.slice(before).filter((call) => !call.startsWith("GET"))).toEqual([]);
});
