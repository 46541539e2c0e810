/** What an engine says of its load, as the shard asks it beside its probes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 20 };

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: [
      { id: "shared", region: "us-east", simulator: { engine } },
      { id: "unasked", region: "us-east", simulator: { engine }, config: { engineLoad: "off" } },
    ],
  });
});
afterAll(async () => fleet.close());

const inFlightAt = async (id: string): Promise<number> => {
  const shards = await fleet.shards(true);
  return shards.flatMap(({ status }) => status?.endpoints ?? []).find((view) => view.id === id)?.inFlight ?? -1;
};

describe("requests that others send to an engine", () => {
  /** Streams that go past the router, until they are stopped. */
  async function others(id: string, count: number): Promise<() => void> {
    const leaving = new AbortController();
    const body = JSON.stringify({
      model: fleet.model,
      stream: true,
      max_tokens: 4_000,
      messages: [{ role: "user", content: "x" }],
    });
    const headers = { "content-type": "application/json" };
    const ask = async () =>
      fetch(`${fleet.simulator(id).url}/v1/chat/completions`, {
        method: "POST",
        headers,
        body,
        signal: leaving.signal,
      });
    await Promise.all(Array.from({ length: count }, ask));
    return () => leaving.abort();
  }

  test("count as in flight while the engine tells of them", async () => {
    const leave = await others("shared", 3);
    expect(
      await fleet.until(
        async () => inFlightAt("shared"),
        (count) => count === 3,
      ),
    ).toBe(3);
    leave();
    expect(
      await fleet.until(
        async () => inFlightAt("shared"),
        (count) => count === 0,
      ),
    ).toBe(0);
  });

  test("are not asked for where the config says so", async () => {
    const leave = await others("unasked", 3);
    await fleet.until(
      async () => inFlightAt("shared"),
      (count) => count === 0,
    );
    expect(await inFlightAt("unasked")).toBe(0);
    leave();
  });
});

test("a pool may ask for the usage of streams whose clients have not", async () => {
  const asking = await startFleet({
    endpoints: [{ id: "e1", region: "us-east", simulator: { engine } }],
    pool: { streamUsage: true },
  });
  try {
    const text = await (await asking.chat({ stream: true, maxTokens: 2 })).text();
    expect(text).toMatch(/"usage":\s*\{[^}]*"prompt_tokens":\s*\d/);
  } finally {
    await asking.close();
  }
  const unasked = await (await fleet.chat({ stream: true, maxTokens: 2 })).text();
  expect(unasked).not.toMatch(/"usage":\s*\{/);
});
