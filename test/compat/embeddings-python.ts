/**
 * `npm run test:embeddings`: real sentence embeddings of the server in `backends/workers/embeddings-cpu`, through the built
 * bundle on raw workerd, with OpenAI's SDK: two servers, one of which is killed on the way. Its own tests run first. Where
 * Python or its package cannot be had it says so and exits 0.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { startFleet } from "../support/fleet.ts";
import { pythonWith } from "../support/python.ts";

const folder = join(import.meta.dirname, "../../backends/workers/embeddings-cpu");
const requirements = readFileSync(join(folder, "requirements.txt"), "utf8").trim().split("\n");
const MODEL = "wordllama-l2-supercat-256";

type Server = { readonly url: string; readonly child: ChildProcess };

/** Resolves when it listens. */
async function startServer(python: string): Promise<Server> {
  const child = spawn(python, ["server.py", "--port", "0"], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  for await (const piece of child.stdout) {
    said += String(piece);
    const [url] = /http:\S+/.exec(said) ?? [];
    if (url !== undefined) return { url, child };
  }
  throw new Error(`the server ended: ${said}`);
}

const dot = (one: readonly number[], other: readonly number[]): number =>
  one.reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0);

async function check(python: string): Promise<void> {
  const own = spawnSync(python, ["-B", "-m", "unittest"], { cwd: folder, encoding: "utf8" });
  if (own.status !== 0) throw new Error(own.stderr);
  console.log(
    own.stderr
      .trim()
      .split("\n")
      .findLast((line) => line.startsWith("Ran")) ?? "",
  );
  const servers = await Promise.all([startServer(python), startServer(python)]);
  const endpoints = servers.map(({ url }, at) => ({ id: `cpu-${at}`, region: "home", backend: "openai", url }));
  const regions = { home: { lat: 50, lon: 8, hint: "weur" } };
  const fleet = await startFleet({
    model: MODEL,
    endpoints: [],
    config: { regions, pools: { embeddings: { models: [MODEL], endpoints } } },
  });
  try {
    const client = new OpenAI({ baseURL: `${fleet.router.url}/v1`, apiKey: fleet.key, maxRetries: 0 });
    const texts = ["a cat sat on the mat", "a kitten sits on a rug", "the stock market fell"];
    const embed = async () => client.embeddings.create({ model: MODEL, input: texts });
    const { data, usage } = await embed();
    const [cat = [], kitten = [], market = []] = data.map(({ embedding }) => embedding);
    ok(dot(cat, kitten) > dot(cat, market) + 0.2, "what means the same is near");
    ok(usage.prompt_tokens > 10);
    const short = await client.embeddings.create({
      model: MODEL,
      input: "hello",
      dimensions: 64,
      encoding_format: "float",
    });
    deepStrictEqual(short.data[0]?.embedding.length, 64);
    const refused = await client.embeddings
      .create({ model: MODEL, input: "x", dimensions: 7 })
      .catch((error: unknown) => error);
    ok(refused instanceof OpenAI.BadRequestError && refused.param === "dimensions");
    servers[0]?.child.kill("SIGKILL");
    for (let times = 0; times < 20; times += 1) {
      const { data: after } = await embed();
      ok(Math.abs(dot(after[0]?.embedding ?? [], cat) - 1) < 1e-3, "the other server serves");
    }
  } finally {
    for (const { child } of servers) child.kill("SIGKILL");
    await fleet.close();
  }
}

const scratch = mkdtempSync(join(tmpdir(), "warmpath-embeddings-"));
try {
  const python = pythonWith(scratch, { modules: "wordllama", packages: requirements });
  if (python === null) console.log("skipped: python3 or the package wordllama cannot be had here");
  else {
    await check(python);
    console.log("real embeddings flow through the router, and go on when one of two servers is killed");
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
