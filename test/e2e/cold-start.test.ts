/**
 * A cold endpoint near a rush of clients: it is woken once, nobody waits for it, and it serves them when it is warm.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const CLIENTS = 50;
const COLD_START_MS = 3_000;
const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 5 };
const runpod = { backend: "runpod-lb", concurrencyPerWorker: 64 };

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: [
      { id: "us-a", region: "us-east", simulator: { engine }, config: { concurrencyPerWorker: 64 } },
      { id: "eu-a", region: "eu-west", simulator: { engine }, config: { concurrencyPerWorker: 64 } },
      {
        id: "ap-a",
        region: "ap-northeast",
        simulator: { engine, startState: "cold", coldStartMs: COLD_START_MS },
        // Readiness is read where looking does not wake, as at Runpod's own API.
        config: { ...runpod, workers: { min: 0, max: 1 }, coldStartMs: 25_000, health: { path: "/v2/ap/health" } },
      },
    ],
    pool: { patienceMs: 10_000 },
  });
});
afterAll(() => fleet.close());

const rush = async () =>
  Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const response = await fleet.chat({ place: "ap-northeast", maxTokens: 2 });
      await response.arrayBuffer();
      return { status: response.status, servedBy: response.headers.get("x-warmpath-endpoint") };
    }),
  );

const warmthOf = async (id: string) =>
  (await fleet.shards()).flatMap(({ status }) => status?.endpoints ?? []).find((view) => view.id === id)?.warmth;

test("one wake-up for fifty clients at once, who are served by what is warm; then it is theirs", async () => {
  const cold = fleet.simulator("ap-a");
  // The rush goes on until the need has been seen: the first wave may be over before the second look at the demand.
  for (const served of await rush()) expect(served.servedBy).not.toBe("ap-a");
  await fleet.until(
    async () => {
      const answers = await rush();
      if (cold.state() !== "warm") expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      return { pings: cold.stats.pings, state: cold.state() };
    },
    ({ state }) => state === "warm",
    20_000,
  );
  expect(cold.stats.pings, "wake-ups").toBe(1);
  await fleet.until(
    () => warmthOf("ap-a"),
    (warmth) => warmth === "warm",
  );
  const near = await fleet.until(
    async () => fleet.chat({ place: "ap-northeast", maxTokens: 2 }),
    (response) => response.headers.get("x-warmpath-endpoint") === "ap-a",
  );
  expect([near.status, near.headers.get("x-warmpath-reason")]).toEqual([200, "nearest_warm"]);
  expect(cold.stats.pings, "warm, it is not woken again").toBe(1);
});

test("clients far from it go on to their own endpoint", async () => {
  const response = await fleet.chat({ place: "eu-west", maxTokens: 2 });
  expect(response.headers.get("x-warmpath-endpoint")).toBe("eu-a");
});
