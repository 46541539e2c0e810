/** An order that cannot be put on record is not done, unless the operator has said otherwise; reads are no orders. */
import { expect, test } from "vitest";
import type { Authenticated } from "../../src/gateway/edge-request.ts";
import { recorded } from "../../src/gateway/admin/recorded.ts";

/** A registry that answers, or that is away. */
const registry = (isThere: boolean) => ({
  getByName: () => ({
    ask: async () => {
      if (!isThere) throw new Error("the registry is away");
      return { ok: true, value: 7 };
    },
  }),
});

test.each([
  ["with a registry that is away", "/admin/pools/main/drain", { KEY_REGISTRY: registry(false) }, "refuse", false],
  ["with one that answers", "/admin/pools/main/drain", { KEY_REGISTRY: registry(true) }, "refuse", true],
  [
    "with one that is away, where that is allowed",
    "/admin/jobs/x/pause",
    { KEY_REGISTRY: registry(false) },
    "allow",
    true,
  ],
  ["where none is bound", "/admin/pools/main/drain", {}, "refuse", true],
  ["that only asks, with a registry that is away", "/admin/explain", { KEY_REGISTRY: registry(false) }, "refuse", true],
] as const)("an order %s: %#", async (_, path, env, unrecorded, isDone) => {
  let done = 0;
  const edge = {
    path,
    env,
    request: new Request(`https://router.example${path}`, { method: "POST" }),
    requestId: "req_1",
    identity: { keyId: "k", tenant: "ops", scopes: ["admin"] },
    runtime: { config: { admin: { unrecorded } } },
  } as unknown as Authenticated;
  const answer = await recorded(edge, async () => {
    done += 1;
    return new Response("done");
  });
  expect(done).toBe(isDone ? 1 : 0);
  if (!isDone) expect(answer).toEqual({ reason: "not_recorded" });
});
