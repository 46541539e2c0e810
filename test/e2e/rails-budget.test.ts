/** Guardrails inside the Worker have a time, which is kept in characters: below it they read all, beyond they say so. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startGpuSimulator } from "../../backends/gpu-simulator/server.ts";
import type { GpuSimulator } from "../../backends/gpu-simulator/simulator.ts";
import { STEPS_PER_MS } from "../../src/rails/core/budget.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

/** Made up, and put together here so that no scanner takes this file for a leak. */
const SECRET = `AKIA${"Q4F5BNZSWAIK7GLP"}`;
/** Of the rails of these pools, ms. */
const TIMEOUT_MS = 2;
const READ = TIMEOUT_MS * STEPS_PER_MS;
/** Room for the names of members, roles and whatever else of a body counts as a text. */
const ROOM = 2_000;

let gpu: GpuSimulator;
let fleet: Fleet;

beforeAll(async () => {
  const rail = (use: string, fields: Record<string, unknown> = {}) => ({ use, timeoutMs: TIMEOUT_MS, ...fields });
  const pools: Record<string, Record<string, unknown>> = {
    "plain-open": { input: ["size", rail("secrets")] },
    "plain-closed": { input: ["size", rail("secrets", { onError: "closed" })] },
    open: { input: ["size", rail("pii"), rail("unicode")] },
    closed: { input: ["size", rail("injection")] },
    "short-stage": { input: ["pii", "unicode", "links"], deadlineMs: TIMEOUT_MS },
    patterns: {
      input: [rail("regex", { options: { patterns: [{ name: "id", pattern: "\\d{3}-\\d{2}-\\d{4}" }] } })],
    },
  };
  gpu = await startGpuSimulator({ engine: ENGINE_PRESETS.fast });
  const endpoint = { region: "us-east", backend: "openai", url: gpu.url, concurrencyPerWorker: 64 };
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    morePools: Object.fromEntries(
      Object.entries(pools).map(([id, rails]) => [
        id,
        { paths: ["*"], endpoints: [{ ...endpoint, id: `gpu-${id}` }], rails },
      ]),
    ),
  });
});
afterAll(async () => {
  await fleet.close();
  await gpu.close();
});

async function echo(pool: string, text: string) {
  const response = await fleet.call(`/p/${pool}/echo`, { method: "POST", body: JSON.stringify({ prompt: text }) });
  const rails = response.headers.get("x-warmpath-rails")?.replaceAll(/;\d+/g, "");
  const answer = (await response.json()) as { bodyBase64?: string; error?: { code: string; message: string } };
  return {
    status: response.status,
    rails,
    sent: Buffer.from(answer.bodyBase64 ?? "", "base64").toString(),
    error: answer.error,
    retry: response.headers.get("x-should-retry"),
  };
}

const filler = (chars: number): string => "so it was. ".repeat(chars / 11 + 1).slice(0, chars);

describe("a rail that fails open", () => {
  test.each([
    ["plain-open", "size=allow, secrets=allow", "size=allow, secrets=rail_error;budget"],
    ["open", "size=allow, pii=allow, unicode=allow", "size=allow, pii=rail_error;budget, unicode=rail_error;budget"],
  ])("reads all that fits in its time, and beyond lets pass and says so: %s", async (pool, within, beyond) => {
    expect(await echo(pool, filler(READ - ROOM))).toMatchObject({ status: 200, rails: within });
    expect(await echo(pool, filler(READ + 1))).toMatchObject({ status: 200, rails: beyond });
  });

  test("redacts what stands in the part that it read", async () => {
    const { status, rails, sent } = await echo("plain-open", `${SECRET} ${filler(READ)}`);
    expect([status, rails]).toEqual([200, "size=allow, secrets=redact;budget"]);
    expect(sent).not.toContain(SECRET);
  });
});

describe("a rail that fails closed", () => {
  test.each(["plain-closed", "closed"])("refuses what does not fit, by its length: %s", async (pool) => {
    expect((await echo(pool, filler(READ - ROOM))).status).toBe(200);
    const refused = await echo(pool, filler(READ + 1));
    expect(refused).toMatchObject({ status: 413, retry: "false", error: { code: "body_too_large" } });
    expect(refused.rails).toMatch(/^size=allow, (?:secrets|injection)=rail_error;budget$/);
    expect(refused.error?.message).toMatch(/timeoutMs/);
  });
});

test("the rails of a stage share its deadline, the cheapest first", async () => {
  const text = filler(READ / 2);
  expect(await echo("short-stage", text)).toMatchObject({
    status: 200,
    rails: "pii=rail_error;budget, unicode=rail_error;budget, links=allow",
  });
});

test("a pattern takes as much as its size says, and only of texts that it must read", async () => {
  expect((await echo("patterns", filler(READ / 8))).rails).toBe("regex=allow");
  expect((await echo("patterns", `${filler(READ / 4)} 078-05-1120`)).rails).toBe("regex=rail_error;budget");
});
