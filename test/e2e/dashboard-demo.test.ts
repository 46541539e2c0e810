/** The demo's buttons: what they do to its endpoints, and that no other router has them. */
import { expect, test } from "vitest";
import { startControls } from "../../tools/demo/demo-controls.ts";
import { signIn } from "../support/dashboard-client.ts";
import { type Fleet, startFleet } from "../support/fleet.ts";

const plan = { endpoints: [{ id: "near", region: "us-east" }] } as const;

test("an operator slows, cools and kills a simulated endpoint from the page, and undoes it", async () => {
  let fleet: Fleet | null = null;
  let isRunning = true;
  const simulator = () => {
    if (fleet === null) throw new Error("no fleet yet");
    return fleet.simulator("near");
  };
  const { url, token } = await startControls<"near">({
    roles: ["near"],
    placeOf: () => ({ id: "near", region: "us-east" }),
    processOf: () => ({
      url: simulator().url,
      isRunning: () => isRunning,
      async kill() {
        isRunning = false;
        await simulator().close();
      },
    }),
    restart: async () => undefined,
  });
  fleet = await startFleet({ ...plan, bindings: { WARMPATH_DEMO_CONTROL: url, WARMPATH_DEMO_TOKEN: token } });
  try {
    const operator = await signIn(fleet);
    expect(await (await operator.call("/dashboard/api/session")).json()).toMatchObject({ demo: true });
    const order = async (body: object) => {
      const response = await operator.call("/dashboard/api/demo", { method: "POST", body: JSON.stringify(body) });
      return { status: response.status, json: (await response.json()) as object };
    };
    const is = (state: string) => ({ status: 200, json: { endpoints: [{ id: "near", region: "us-east", state }] } });
    expect(await order({ action: "slow", endpoint: "near" })).toEqual(is("slow"));
    expect(await order({ action: "undo" })).toEqual(is("up"));
    expect(await order({ action: "cold", region: "us-east" })).toEqual(is("cold"));
    expect(simulator().state()).toBe("cold");
    expect(await order({ action: "undo", endpoint: "near" })).toEqual(is("up"));
    expect(simulator().state()).toBe("warm");
    expect((await order({ action: "explode", endpoint: "near" })).status).toBe(400);
    expect((await order({ action: "kill" })).status).toBe(400);
    expect((await order({ action: "kill", region: "mars" })).status).toBe(400);
    expect(await order({ action: "kill", region: "us-east" })).toEqual(is("killed"));
    expect((await fetch(url, { method: "POST", body: '{"action":"undo"}' })).status).toBe(401);
  } finally {
    await fleet.close();
  }
});

test("a router that is no demo has no such buttons", async () => {
  const fleet = await startFleet(plan);
  try {
    const operator = await signIn(fleet);
    expect(await (await operator.call("/dashboard/api/session")).json()).toMatchObject({ demo: false });
    expect((await operator.call("/dashboard/api/demo")).status).toBe(404);
    expect((await operator.call("/dashboard/api/demo", { method: "POST", body: "{}" })).status).toBe(404);
  } finally {
    await fleet.close();
  }
});
