/** How long a client waits, by its own word: kept to, never beyond what the pool allows, and no endpoint's fault. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const FIRST_TOKEN_TIMEOUT_MS = 2_000;
const CAP_MS = 1_500;

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: ["a", "b"].map((id) => ({ id, region: "us-east", simulator: { engine: ENGINE_PRESETS.fast } })),
    pool: { patienceMs: 5_000, firstTokenTimeoutMs: FIRST_TOKEN_TIMEOUT_MS, hedge: { enabled: false } },
    config: { limits: { clientTimeoutMsMax: CAP_MS } },
  });
});
afterAll(() => fleet.close());
beforeEach(() => {
  for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "none" });
});

const hang = (): void => {
  for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "hang" });
};
const reached = (): number => [...fleet.simulators.values()].reduce((sum, { stats }) => sum + stats.requests, 0);

async function ask(headers: Readonly<Record<string, string>>, stream = true, maxTokens = 2) {
  const startedAt = performance.now();
  const response = await fleet.call("/v1/chat/completions", {
    method: "POST",
    place: "us-east",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({
      model: fleet.model,
      stream,
      max_tokens: maxTokens,
      messages: [{ role: "user", content: "x" }],
    }),
  });
  const text = await response.text();
  const { code = null, message = "" } = response.ok
    ? {}
    : (JSON.parse(text) as { error: { code: string; message: string } }).error;
  return { status: response.status, code, message, tookMs: performance.now() - startedAt };
}

describe("an answer that does not begin", () => {
  test.each([
    ["x-warmpath-timeout", true],
    ["x-warmpath-timeout", false],
    ["x-stainless-timeout", true],
    ["x-stainless-read-timeout", true],
  ])(
    "ends when the time is over that %s gives it (stream: %s), after one attempt, and nobody is blamed",
    async (name, stream) => {
      hang();
      const before = reached();
      const { status, code, tookMs } = await ask({ [name]: "1" }, stream);
      expect([status, code]).toEqual([504, "client_deadline"]);
      expect(tookMs).toBeGreaterThanOrEqual(900);
      expect(reached() - before, "a second attempt would be for nobody").toBe(1);
      await fleet.until(fleet.liveLeases, (leases) => leases === 0);
      const views = (await fleet.shards()).flatMap(({ status: shard }) => shard?.endpoints ?? []);
      expect(views.map(({ standing, failureProbability }) => [standing, failureProbability < 0.05])).toEqual([
        ["admitting", true],
        ["admitting", true],
      ]);
    },
  );

  test("is given limits.clientTimeoutMsMax at most, whatever the client says", async () => {
    hang();
    const { code, tookMs } = await ask({ "x-warmpath-timeout": "80000" });
    expect(code).toBe("client_deadline");
    expect(tookMs).toBeGreaterThanOrEqual(CAP_MS - 100);
    expect(tookMs, "the pool's own limit would end it later, and try another").toBeLessThan(2 * FIRST_TOKEN_TIMEOUT_MS);
  });

  test("has the pool's limit where the client says nothing", async () => {
    hang();
    const { code } = await ask({});
    expect(code).toBe("upstream_timeout");
  });
});

test("an answer that begins in time is not cut, however long it goes on", async () => {
  for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "slow", factor: 100 });
  const { status, tookMs } = await ask({ "x-warmpath-timeout": "1.4" }, true, 60);
  expect(status).toBe(200);
  expect(tookMs, "it was longer than that").toBeGreaterThan(1_400);
});

test("a time that there is not is refused in words, and nothing is sent", async () => {
  const before = reached();
  const { status, message } = await ask({ "x-warmpath-timeout": "soon" });
  expect([status, reached()]).toEqual([400, before]);
  expect(message).toContain("x-warmpath-timeout must be seconds");
});
