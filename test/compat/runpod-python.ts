/**
 * `node test/compat/runpod-python.ts`: the real Python `runpod` package, unmodified, as a GPU worker and as a client,
 * against the built bundle on raw workerd. Where Python or the package cannot be had it says so and exits 0: the same
 * steps run without Python in `test/e2e/jobs-worker.test.ts`.
 *
 * The interpreter is WARMPATH_PYTHON, or python3; without the package a virtual environment is made for the run.
 */
import { spawn } from "node:child_process";
import { deepStrictEqual } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFleet } from "../support/fleet.ts";
import { pythonWith } from "../support/python.ts";

const CLIENT_MS_MAX = 120_000;

const expected = [
  { step: "run", output: [{ echo: { kind: "echo", a: 1 } }], status: "COMPLETED" },
  { step: "run_sync", output: [{ echo: { kind: "echo", a: 2 } }] },
  { step: "stream", pieces: [0, 1, 2, 3, 4].map((n) => ({ n })), status: "COMPLETED" },
  { step: "fail", status: "FAILED" },
  { step: "progress", output: [{ echo: { kind: "progress" } }], status: "COMPLETED" },
  { step: "diverged", output: [{ loss: null, best: null, steps: 3 }], status: "COMPLETED" },
  { step: "cancel", status: "CANCELLED" },
  { step: "after cancel", output: [{ echo: { kind: "echo", a: 3 } }] },
  {
    step: "health",
    jobs: ["completed", "failed", "inProgress", "inQueue", "retried"],
    workers: ["idle", "initializing", "ready", "running", "throttled", "unhealthy"],
  },
  { step: "purge", removed: 0, status: "completed" },
  { step: "wrong key", raised: "RuntimeError" },
];

async function check(python: string): Promise<void> {
  const fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    keys: [{ id: "gpu", tenant: "operators", scopes: ["worker"] }],
  });
  await fleet.call("/admin/endpoints/us-a/drain", { method: "POST" });
  const base = `${fleet.router.url}/v2/main`;
  const worker = spawn(python, [join(import.meta.dirname, "worker.py")], {
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: the process that it pings from outlives it, and holds its pipes open.
    detached: true,
    env: {
      ...process.env,
      RUNPOD_AI_API_KEY: fleet.keyOf("gpu"),
      RUNPOD_POD_ID: "compat-worker",
      RUNPOD_PING_INTERVAL: "2000",
      RUNPOD_WEBHOOK_GET_JOB: `${base}/job-take/$ID?gpu=none`,
      RUNPOD_WEBHOOK_POST_OUTPUT: `${base}/job-done/$RUNPOD_POD_ID/$ID?gpu=none`,
      RUNPOD_WEBHOOK_POST_STREAM: `${base}/job-stream/$RUNPOD_POD_ID/$ID?gpu=none`,
      RUNPOD_WEBHOOK_PING: `${base}/ping/$RUNPOD_POD_ID`,
      RUNPOD_SKIP_AUTO_SYSTEM_CHECKS: "true",
      RUNPOD_DEBUG_LEVEL: "INFO",
      RUNPOD_SKIP_GPU_CHECK: "true",
    },
  });
  let workerOutput = "";
  for (const stream of [worker.stdout, worker.stderr]) {
    stream.on("data", (text: Buffer) => {
      workerOutput = (workerOutput + text.toString()).slice(-16_384);
    });
  }
  try {
    const client = spawn(python, [join(import.meta.dirname, "client.py"), "main"], {
      stdio: ["ignore", "pipe", "inherit"],
      timeout: CLIENT_MS_MAX,
      env: { ...process.env, COMPAT_KEY: fleet.key, RUNPOD_ENDPOINT_BASE_URL: `${fleet.router.url}/v2` },
    });
    let output = "";
    client.stdout.on("data", (text: Buffer) => {
      output += text.toString();
    });
    const code = await new Promise((resolve) => client.on("close", resolve));
    const lines = output.split("\n").filter((line) => line !== "");
    const seen = lines.map((line) => JSON.parse(line) as unknown);
    if (code !== 0)
      throw new Error(`the client ended with ${String(code)} after:\n${output}\nworker:\n${workerOutput}`);
    deepStrictEqual(seen, expected);
  } catch (error) {
    console.error(workerOutput);
    throw error;
  } finally {
    if (worker.pid !== undefined) process.kill(-worker.pid, "SIGKILL");
    await fleet.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), "warmpath-compat-"));
try {
  const python = pythonWith(folder, { modules: "runpod", packages: ["runpod"] });
  if (python === null) console.log("skipped: Python with the package `runpod` cannot be had here");
  else {
    await check(python);
    console.log(`the Python package runpod works as a worker and as a client: ${expected.length} steps`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
