/**
 * What the README promises of a deploy, as far as it goes without an account: the modules that
 * `npm run deploy:dry` would upload are those of the build, and they alone serve, in Miniflare and in
 * `wrangler dev`; a wrong config is not deployed.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import type { Workerd } from "../../tools/cli/workerd.ts";
import { readPlatformConfig } from "../../tools/cli/wrangler-config.ts";
import { makeCheckout } from "../support/checkout.ts";
import type { Checkout, Ended } from "../support/checkout.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

/** wrangler, npm and two builds, on a machine that has other work. */
const COMMAND_MS_MAX = 240_000;

let checkout: Checkout;
let dryRun: Ended;
beforeAll(async () => {
  checkout = await makeCheckout("all");
  dryRun = await checkout.npmRun("deploy:dry", "--outdir", "upload");
}, COMMAND_MS_MAX);
afterAll(() => checkout.remove());

/** The modules in a folder of the checkout, by name. */
function modulesIn(folder: string): ReadonlyMap<string, string> {
  const dir = join(checkout.dir, folder);
  const names = readdirSync(dir).filter((name) => name.endsWith(".js"));
  return new Map(names.map((name) => [name, readFileSync(join(dir, name), "utf8")]));
}

/** One chat that is streamed and one job, as far as a client sees them. */
async function serve(runtime: (bindings: Readonly<Record<string, string>>) => Promise<Workerd>): Promise<unknown> {
  const simulator = { engine: { ...ENGINE_PRESETS.fast, stepBaseMs: 5 } };
  const fleet = await startFleet({ runtime, endpoints: [{ id: "us-a", region: "us-east", simulator }] });
  try {
    const chat = await fleet.chat({ stream: true, maxTokens: 5 });
    const events = (await chat.text()).split("\n\n").filter((event) => event !== "");
    const run = await post(fleet, "/v2/main/run", { input: { prompt: "hello", max_tokens: 4 } });
    const { id } = (await run.json()) as { id: string };
    const job = await fleet.until(
      async () => (await (await fleet.call(`/v2/main/status/${id}`)).json()) as { status: string },
      ({ status }) => status === "COMPLETED",
      30_000,
    );
    return { status: chat.status, first: events[0], last: events.at(-1), chunks: events.length > 3, job: job.status };
  } finally {
    await fleet.close();
  }
}

const post = async (fleet: Fleet, path: string, body: unknown) =>
  fleet.call(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

const served = {
  status: 200,
  first: expect.stringMatching(/^data: \{/),
  last: "data: [DONE]",
  chunks: true,
  job: "COMPLETED",
};

describe("what a deploy uploads", () => {
  test("is every module of the build, as it is, and nothing else", () => {
    expect(dryRun).toMatchObject({ exitCode: 0 });
    const uploaded = modulesIn("upload");
    expect([...uploaded.keys()]).toContain("worker.js");
    expect(uploaded.size).toBeGreaterThan(5);
    expect(uploaded).toEqual(modulesIn("dist"));
  });

  test(
    "serves a streamed chat and a job in Miniflare, without any other module",
    async () => {
      expect(await serve(startMiniflare)).toEqual(served);
    },
    COMMAND_MS_MAX,
  );

  test(
    "is served by wrangler dev",
    async () => {
      expect(await serve(startWranglerDev)).toEqual(served);
    },
    COMMAND_MS_MAX,
  );
});

async function startMiniflare(bindings: Readonly<Record<string, string>>): Promise<Workerd> {
  const { compatibilityDate, compatibilityFlags, durableObjects } = readPlatformConfig();
  const modules = [...modulesIn("upload")].toSorted(([left], [right]) => isEntry(right) - isEntry(left));
  const options = convertV4MiniflareOptions({
    modules: modules.map(([path, contents]) => ({ type: "ESModule", path, contents })),
    compatibilityDate,
    compatibilityFlags: [...compatibilityFlags],
    durableObjects: Object.fromEntries(
      durableObjects.map(({ name, className }) => [name, { className, useSQLite: true }]),
    ),
    bindings: { ...bindings },
  });
  const miniflare = new Miniflare(options);
  return routerAt(await miniflare.ready, async () => miniflare.dispose());
}

const isEntry = (name: string): number => Number(name === "worker.js");

async function startWranglerDev(bindings: Readonly<Record<string, string>>): Promise<Workerd> {
  writeFileSync(
    join(checkout.dir, ".dev.vars"),
    Object.entries(bindings)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join(""),
  );
  const child = checkout.npmStart("dev", ["--port", "0", "--inspector-port", "0"]);
  let output = "";
  const url = await new Promise<URL>((settle, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        const ready = /Ready on (http:\/\/[\w.:]+)/.exec(output)?.[1];
        if (ready !== undefined) settle(new URL(ready));
      });
    }
    child.once("close", () => reject(new Error(`wrangler dev ended: ${output}`)));
  });
  return routerAt(url, async () => checkout.stop(child));
}

/** A router that is no process of ours. */
function routerAt(url: URL, end: () => Promise<void>): Workerd {
  const exited = Promise.withResolvers<{ readonly code: number | null; readonly signal: null }>();
  const stop = async (): Promise<void> => {
    await end();
    exited.resolve({ code: 0, signal: null });
  };
  const port = Number(url.port);
  return { url: url.origin, port, pid: 0, exited: exited.promise, output: () => "", stop, kill: stop };
}

describe("a warmpath.jsonc that is wrong", () => {
  const sample = readFileSync(new URL("../../warmpath.jsonc", import.meta.url), "utf8");

  test.each([
    ["without regions", sample.replace(/"regions": \{[^]*?\n  \},/, '"regions": {},'), /this region is not declared/],
    ["with a misspelt member", sample.replace('"gpu"', '"gpus"'), /gpus/],
  ])(
    "%s is refused by build and by deploy:dry, in the words of serve",
    async (_, text, problem) => {
      const wrong = await makeCheckout("all");
      try {
        writeFileSync(join(wrong.dir, "warmpath.jsonc"), text);
        const said = await Promise.all(["serve", "build", "deploy:dry"].map(async (script) => wrong.npmRun(script)));
        const [inServe, ...others] = said;
        const report = /^warmpath\.jsonc:\d+[^]*?\n\d+ problems? in warmpath\.jsonc/m.exec(inServe?.output ?? "")?.[0];
        expect(report).toMatch(problem);
        expect(inServe?.exitCode).toBe(1);
        for (const { exitCode, output } of others) {
          expect(exitCode).toBe(1);
          expect(plain(output)).toContain(report);
        }
        expect(readdirSync(wrong.dir)).not.toContain("dist");
      } finally {
        await wrong.remove();
      }
    },
    COMMAND_MS_MAX,
  );

  test("only in that nobody could be served is deployed with a warning for each reason", () => {
    const output = plain(dryRun.output);
    expect(output).toMatch(/warning: warmpath\.jsonc: keys is empty/);
    expect(output).toMatch(/warning: warmpath\.jsonc: .*your-us-endpoint\.api\.runpod\.ai is a placeholder/);
    expect(output).toMatch(/needs the secret RUNPOD_API_KEY, for endpoint runpod-us, endpoint runpod-eu: npx wrangler/);
    expect(output).toMatch(/warning: warmpath\.jsonc: .*your-eu-endpoint\.api\.runpod\.ai is a placeholder/);
  });
});

/** wrangler says before each line of a build whose it is. */
const plain = (output: string): string => output.replaceAll(/^\[custom build\] /gm, "");
