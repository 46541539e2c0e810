/** A fleet with one server of each kind: each is found ready where its kind tells it, serves, and is explained. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { IMITATIONS } from "../../backends/gpu-simulator/imitations.ts";
import { type Fleet, startFleet } from "../support/fleet.ts";

const KINDS = IMITATIONS;
const EVERY_ONE = [...KINDS, "runpod"];

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    model: "sim-model",
    pool: { attemptsMax: 3 },
    endpoints: [
      ...KINDS.map((kind) => ({
        id: kind,
        region: "us-east" as const,
        config: { backend: kind, model: "sim-model", ...(kind === "ollama" && { coldStartMs: 500 }) },
        simulator: {
          imitates: kind,
          startState: kind === "ollama" ? ("cold" as const) : ("warm" as const),
          coldStartMs: 1,
        },
      })),
      { id: "runpod", region: "us-east" as const, config: { backend: "runpod-lb" } },
    ],
  });
});
afterAll(async () => fleet.close());

const order = async (id: string, verb: "drain" | "undrain"): Promise<void> => {
  const answer = await fleet.call(`/admin/endpoints/${id}/${verb}`, { method: "POST" });
  expect(answer.status).toBe(200);
};

const standings = async () => {
  const [shard] = await fleet.shards(true);
  return new Map((shard?.status?.endpoints ?? []).map(({ id, standing, warmth }) => [id, { standing, warmth }]));
};

test("a probe finds each of them as it is", async () => {
  const seen = await standings();
  for (const id of EVERY_ONE.filter((one) => one !== "ollama")) {
    expect([id, seen.get(id)]).toEqual([id, { standing: "admitting", warmth: "warm" }]);
  }
  // Its server is up, and its model is not in memory.
  expect(seen.get("ollama")).toMatchObject({ warmth: "cold" });
});

test("each serves when it is the only one that takes traffic, and says so", async () => {
  for (const id of EVERY_ONE) await order(id, "drain");
  for (const id of EVERY_ONE) {
    await order(id, "undrain");
    // What was lent to the edge before the drain may be spent once more.
    const served = await fleet.until(
      async () => {
        const answer = await fleet.chat();
        await answer.text();
        return answer;
      },
      (answer) => answer.headers.get("x-warmpath-endpoint") === id,
    );
    expect([id, served.status]).toEqual([id, 200]);
    await order(id, "drain");
  }
  for (const id of EVERY_ONE) await order(id, "undrain");
});

test("each is explained as a candidate", async () => {
  const asked = await fleet.call("/admin/explain", { method: "POST", body: JSON.stringify({ model: fleet.model }) });
  const { candidates } = (await asked.json()) as { candidates: { endpointId: string; why: string }[] };
  expect(candidates.map(({ endpointId }) => endpointId).toSorted()).toEqual(EVERY_ONE.toSorted());
  expect(candidates.every(({ why }) => why.length > 0)).toBe(true);
});

test("whichever goes, the others serve", async () => {
  for (const id of KINDS.slice(0, 4)) {
    await fleet.simulator(id).close();
    const answer = await fleet.chat();
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-warmpath-endpoint")).not.toBe(id);
    await answer.text();
  }
});
