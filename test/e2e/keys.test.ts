/** Keys outside the config, over HTTP: made, used, narrowed, rotated, revoked, under a new pepper; and the record of it. */
import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatKey } from "../../src/wire/api-keys.ts";
import { startKeyedRouter } from "../support/keyed-router.ts";
import type { Json, KeyedRouter, Said } from "../support/keyed-router.ts";

let one: KeyedRouter;
beforeAll(async () => {
  one = await startKeyedRouter({}, { WARMPATH_SELF_HOSTED: "1" });
});
afterAll(async () => one.close());

type Made = { readonly key: string; readonly id: string };

async function make(body: Json): Promise<Made> {
  const said = await one.ask("POST", "/admin/keys", one.operator, body);
  expect([said.status, said.text]).toEqual([201, expect.stringContaining('"key":"wp_')]);
  return said.json as unknown as Made;
}

/** Asked again until it is so; the limit is the promise that is tested. */
async function until(look: () => Promise<Said>, status: number, limitMs: number): Promise<number> {
  const startedAtMs = Date.now();
  for (;;) {
    const { status: got } = await look();
    const tookMs = Date.now() - startedAtMs;
    if (got === status) return tookMs;
    if (tookMs > limitMs) throw new Error(`still ${got} after ${tookMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const records = async (): Promise<readonly Json[]> =>
  (await one.ask("GET", "/admin/audit?limit=1000", one.operator)).json["data"] as readonly Json[];

describe("a key of the registry", () => {
  test("is shown once, works at once, and is listed without its secret", async () => {
    const { key, id } = await make({ tenant: "acme", label: "web", note: "the shop" });
    expect(id).toMatch(/^web-[a-z0-9]{6}[0-9a-f]{10}$/);
    expect((await one.chat(key)).status).toBe(200);
    const listed = await one.ask("GET", "/admin/keys?tenant=acme", one.operator);
    expect(listed.json).toMatchObject({ data: [{ id, tenant: "acme", note: "the shop", status: "active" }] });
    const all = listed.text + (await one.ask("GET", `/admin/keys/${id}`, one.operator)).text;
    expect([all.includes(key), all.includes(key.slice(-49)), /"hmac"/.test(all)]).toEqual([false, false, false]);
  });

  test("does what its scopes say, and manages no keys without admin", async () => {
    const { key } = await make({ tenant: "acme" });
    expect((await one.ask("GET", "/admin/keys", key)).status).toBe(403);
    expect((await one.ask("POST", "/admin/keys", key, { tenant: "acme", scopes: ["admin"] })).status).toBe(403);
    const { key: ruler } = await make({ tenant: "acme", scopes: ["admin"] });
    expect((await one.ask("GET", "/admin/keys", ruler)).status).toBe(200);
    expect((await one.chat(ruler)).status).toBe(403);
  });

  test("survives a restart of everything", async () => {
    const { key } = await make({ tenant: "acme" });
    await one.again();
    expect((await one.chat(key)).status).toBe(200);
  });

  test("with a wrong secret, or an id that nobody gave, is 401 with the same body", async () => {
    const { id } = await make({ tenant: "acme" });
    const answers = [formatKey(id, randomBytes(32)), formatKey("made-up", randomBytes(32)), "wp_no", "x"].map(
      async (key) => {
        const { status, json } = await one.chat(key);
        return [status, json["error"]];
      },
    );
    const [first, ...others] = await Promise.all(answers);
    expect(first?.[0]).toBe(401);
    for (const other of others) expect(other).toEqual(first);
  });

  test("expires at its instant", async () => {
    const { key } = await make({ tenant: "acme", expiresInSeconds: 1 });
    await until(async () => one.chat(key), 401, 20_000);
    expect((await one.chat(key)).json["error"]).toMatchObject({ code: "key_expired" });
  });

  test.each([
    ["a tenant that is none", { tenant: "No!" }, "tenant"],
    ["a misspelt member", { tenant: "acme", model: ["alpha"] }, undefined],
    ["a model that there is not", { tenant: "acme", models: ["gamma"] }, "models"],
    ["a pool that there is not", { tenant: "acme", pools: ["gamma"] }, "pools"],
    ["an address that is none", { tenant: "acme", addresses: ["300.1.1.1"] }, "addresses"],
    ["a label that is too long", { tenant: "acme", label: "a".repeat(16) }, "label"],
    ["a scope that there is not", { tenant: "acme", scopes: ["root"] }, undefined],
    ["a limit that is none", { tenant: "acme", limits: { requestsPerMinute: 0 } }, "limits.requestsPerMinute"],
    ["a limit of the tenant's alone", { tenant: "acme", limits: { queueMax: 5 } }, "limits"],
  ])("is not made with %s, and the answer says which", async (_, body, param) => {
    const { status, json } = await one.ask("POST", "/admin/keys", one.operator, body);
    expect(status).toBe(400);
    if (param !== undefined) expect(json["error"]).toMatchObject({ param });
  });
});

describe("what a key may do", () => {
  test("has limits as a key of the config has them, which hold, are listed, and are billed to it", async () => {
    const { key, id } = await make({ tenant: "metered", limits: { requestsPerMinute: 2, maxTokensMax: 50 } });
    const said = [await one.chat(key), await one.chat(key), await one.chat(key)];
    expect(said.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(said.map(({ headers }) => headers.get("x-ratelimit-remaining-requests"))).toEqual(["1", "0", "0"]);
    expect(said[2]?.json["error"]).toMatchObject({ message: expect.stringContaining("This key sends more") });
    const { json } = await one.ask("GET", `/admin/keys/${id}`, one.operator);
    expect(json).toMatchObject({ limits: { requestsPerMinute: 2, maxTokensMax: 50 } });
    // Its tenant is in no config: operators see what it used all the same.
    const used = async () => {
      const { data } = (await one.ask("GET", "/admin/usage", one.operator)).json as { data: readonly Json[] };
      return data.filter(({ key: whose, outcome }) => whose === id && outcome === "served");
    };
    await expect.poll(used, { timeout: 10_000 }).toMatchObject([{ tenant: "metered", requests: 2 }]);
  });

  test("is changed in use: what is named, whole, and with both states on record", async () => {
    const { key, id } = await make({ tenant: "metered", limits: { requestsPerMinute: 1_000 }, note: "web" });
    expect((await one.chat(key)).status).toBe(200);
    const edited = await one.ask("PATCH", `/admin/keys/${id}`, one.operator, { limits: { maxTokensMax: 1 } });
    expect(edited.json).toMatchObject({ id, note: "web", limits: { maxTokensMax: 1 } });
    expect((edited.json["limits"] as Json)["requestsPerMinute"]).toBeUndefined();
    const [record] = (await records()).filter(({ action }) => action === `PATCH /admin/keys/${id}`).slice(-1);
    expect(record).toMatchObject({
      outcome: "done",
      keyId: "operator",
      before: { limits: { requestsPerMinute: 1_000 } },
      after: { limits: { maxTokensMax: 1 } },
    });
    // Who has asked before would believe it for 45 s: another start asks anew.
    await one.again();
    expect((await one.chat(key)).json["error"]).toMatchObject({ message: expect.stringContaining("max_tokens") });
    const freed = await one.ask("PATCH", `/admin/keys/${id}`, one.operator, { limits: null, scopes: ["operate"] });
    expect(freed.json).toMatchObject({ scopes: ["operate"] });
    expect(freed.json).not.toHaveProperty("limits");
    await one.again();
    expect((await one.chat(key)).status).toBe(403);
  });

  test.each([
    ["nothing", {}, 400],
    ["its tenant", { tenant: "other" }, 400],
    ["to no scope", { scopes: [] }, 400],
    ["to a model that there is not", { models: ["gamma"] }, 400],
    ["to a limit that is none", { limits: { spendPerDay: -1 } }, 400],
  ])("is not changed: %s", async (_, body, status) => {
    const { id } = await make({ tenant: "acme" });
    const said = await one.ask("PATCH", `/admin/keys/${id}`, one.operator, body);
    expect(said.status, said.text).toBe(status);
    expect((await one.ask("PATCH", "/admin/keys/none", one.operator, { note: "x" })).status).toBe(404);
    expect((await one.ask("PATCH", "/admin/keys/operator", one.operator, { note: "x" })).status).toBe(400);
  });
});

describe("a narrowed key", () => {
  const unknown = (text: string): string => text.replaceAll(/"(?:instance|requestId)":"[^"]*"/g, "");

  test("of a model sees that one, and no other is told from one that there is not", async () => {
    const { key } = await make({ tenant: "acme", models: ["alpha"] });
    const { json } = await one.ask("GET", "/v1/models", key);
    expect((json["data"] as readonly Json[]).map((model) => model["id"])).toEqual(["alpha"]);
    expect((await one.chat(key)).status).toBe(200);
    for (const model of ["beta", "alpha-long", "never-heard-of"]) {
      const { status, text } = await one.chat(key, model);
      expect([status, text.replaceAll(model, "X").includes("beta")]).toEqual([404, false]);
    }
    const [hidden, none] = await Promise.all(
      ["beta", "beto"].map(async (model) => (await one.ask("GET", `/v1/models/${model}`, key)).text),
    );
    expect(unknown(hidden ?? "").replaceAll("beta", "beto")).toBe(unknown(none ?? ""));
  });

  test("of a pool reaches no other by any door, and no other model of an engine that it shares", async () => {
    const { key } = await make({ tenant: "acme", pools: ["main"] });
    const body = { model: "alpha", max_tokens: 2, messages: [{ role: "user", content: "hi" }] };
    const doors = async (pool: string, model = body.model) => {
      const named = { ...body, model };
      const job = { input: { openai_route: "/v1/chat/completions", openai_input: named } };
      const said = await Promise.all([
        one.ask("POST", `/p/${pool}/v1/chat/completions`, key, named),
        one.ask("POST", `/v2/${pool}/openai/v1/chat/completions`, key, named),
        one.ask("POST", `/v2/${pool}/run`, key, job),
        one.ask("POST", `/p/${pool}/v1/chat/completions`, key, named, { prefer: "respond-async" }),
        one.ask("GET", `/v2/${pool}/requests`, key),
        one.ask("GET", `/v1/jobs?pool=${pool}`, key),
      ]);
      return said.map(({ status }) => status);
    };
    expect(await doors("main")).toEqual([200, 200, 200, 202, 200, 200]);
    expect(await doors("other")).toEqual([404, 404, 404, 404, 404, 400]);
    expect(await doors("none")).toEqual([404, 404, 404, 404, 404, 400]);
    // The engine behind `main` may serve another pool's model as well: the router does not let it be named.
    expect((await doors("main", "beta")).slice(0, 4)).toEqual([404, 404, 404, 404]);
    const { status, text } = await one.ask("GET", "/p/other/health", key);
    expect([status, text.includes('"main"') || text.includes("other, ")]).toEqual([404, false]);
  });

  test("that operates sees its pools, and manages no keys and reads no records", async () => {
    const { key } = await make({ tenant: "acme", scopes: ["admin"], pools: ["main"] });
    const fleet = await one.ask("GET", "/admin/fleet", key);
    expect([fleet.status, fleet.text.includes("pool:main"), fleet.text.includes("pool:other")]).toEqual([
      200,
      true,
      false,
    ]);
    expect((await one.ask("POST", "/admin/endpoints/b/drain", key)).status).toBe(404);
    for (const [method, path] of [
      ["GET", "/admin/keys"],
      ["POST", "/admin/keys"],
      ["GET", "/admin/audit"],
    ] as const) {
      expect((await one.ask(method, path, key, method === "POST" ? { tenant: "acme" } : undefined)).status).toBe(403);
    }
  });

  test("of addresses is good from there alone, whatever a header says", async () => {
    const { key: here } = await make({ tenant: "acme", addresses: ["127.0.0.0/8", "::1"] });
    const { key: elsewhere } = await make({ tenant: "acme", addresses: ["203.0.113.0/24"] });
    const forged = { "cf-connecting-ip": "203.0.113.7", "x-forwarded-for": "203.0.113.7" };
    const status = async (key: string, headers = {}) =>
      (await one.ask("GET", "/v1/models", key, undefined, headers)).status;
    expect([await status(here), await status(elsewhere), await status(elsewhere, forged)]).toEqual([200, 403, 403]);
  });
});

describe("the record", () => {
  test("of an order has who, what, before and after, and is there before the answer is", async () => {
    await one.ask("POST", "/admin/endpoints/a/drain", one.operator);
    await one.ask("POST", "/admin/endpoints/a/undrain", one.operator);
    const drains = (await records()).filter(({ action }) => action === "POST /admin/endpoints/a/drain");
    expect(drains).toMatchObject([
      { outcome: "asked", keyId: "operator", tenant: "ops", address: expect.stringMatching(/127\.0\.0\.1|::1/) },
      { outcome: "done", before: { standing: "admitting" }, after: { drained: true, standing: "draining" } },
    ]);
    expect(drains[1]).toMatchObject({ of: drains[0]?.["seq"] });
  });

  test("has orders that were refused, and no reads", async () => {
    await one.ask("POST", "/admin/endpoints/none/drain", one.operator);
    await one.ask("GET", "/admin/fleet", one.operator);
    await one.ask("POST", "/admin/explain", one.operator, { model: "alpha" });
    const all = await records();
    expect(all.filter(({ action }) => action === "POST /admin/endpoints/none/drain").at(-1)).toMatchObject({
      outcome: "refused",
      after: { reason: "not_found" },
    });
    expect(all.some(({ action }) => String(action).includes("fleet") || String(action).includes("explain"))).toBe(
      false,
    );
  });

  test("has no secret: of keys, of hooks", async () => {
    const { key } = await make({ tenant: "acme" });
    const hook = await one.ask("POST", "/admin/hooks", one.operator, { pool: "main", tenant: "acme" });
    expect(hook.status).toBe(200);
    const text = JSON.stringify(await records());
    expect([text.includes(key.slice(-49)), text.includes(String(hook.json["path"]))]).toEqual([false, false]);
  });

  test("is exported as lines whose chain anybody can check", async () => {
    const { text, headers } = await one.ask("GET", "/admin/audit?format=jsonl&limit=1000", one.operator);
    expect(headers.get("content-type")).toBe("application/x-ndjson");
    let prev = "0".repeat(64);
    for (const line of text.trim().split("\n")) {
      const { hash, prev: before } = JSON.parse(line) as { hash: string; prev: string };
      const own = createHash("sha256")
        .update(line.replace(`,"hash":"${hash}"}`, "}"))
        .digest("hex");
      expect([before, own]).toEqual([prev, hash]);
      prev = hash;
    }
  });
});

test("a flood of made-up keys is refused, and a key that was given is served meanwhile", async () => {
  const { key } = await make({ tenant: "acme" });
  const flood = Array.from({ length: 300 }, async () => (await one.chat(formatKey("flood", randomBytes(32)))).status);
  const strange = Array.from(
    { length: 300 },
    async (_, at) => (await one.chat(formatKey(`f${at}`, randomBytes(32)))).status,
  );
  const [mine, ...theirs] = await Promise.all([one.chat(key).then(({ status }) => status), ...flood, ...strange]);
  expect(mine).toBe(200);
  expect(theirs.filter((status) => status !== 401 && status !== 503)).toEqual([]);
  // The registry is asked for a few of those that nobody gave, and then for none.
  expect(theirs.filter((status) => status === 503).length).toBeGreaterThan(200);
});

describe("a new pepper", () => {
  test("kills no key: each is known under the old one, and kept under the new one by its use", async () => {
    const { key, id } = await make({ tenant: "acme" });
    const { key: unused } = await make({ tenant: "acme" });
    const fresh = randomBytes(24).toString("base64");
    await one.again({ WARMPATH_KEY_PEPPER: fresh, WARMPATH_KEY_PEPPER_OLD: one.pepper });
    const pepperOf = async () => {
      const { json } = await one.ask("GET", `/admin/keys/${id}`, one.operator);
      return (json["secrets"] as readonly Json[])[0]?.["pepper"];
    };
    expect([(await one.chat(one.operator)).status, await pepperOf()]).toEqual([200, "old"]);
    expect((await one.chat(key)).status).toBe(200);
    await expect.poll(pepperOf, { timeout: 10_000 }).toBe("present");
    // Without the old one, what was not used is lost, and so is what the config has: the file still has its old digest.
    await one.again({ WARMPATH_KEY_PEPPER: fresh });
    expect([
      (await one.chat(key)).status,
      (await one.chat(unused)).status,
      (await one.chat(one.operator)).status,
    ]).toEqual([200, 401, 401]);
    await one.again();
  });
});

describe("within a minute, everywhere", () => {
  test("a key that is revoked, and a secret that was rotated out, are refused", async () => {
    const [revoked, rotated] = [await make({ tenant: "acme" }), await make({ tenant: "acme" })];
    const path = `/admin/keys/${rotated.id}/rotate`;
    const second = (await one.ask("POST", path, one.operator)).json as unknown as Made;
    expect([(await one.chat(revoked.key)).status, (await one.chat(rotated.key)).status]).toEqual([200, 200]);
    // Both secrets are live; a third is refused, unless the others are to end.
    expect((await one.chat(second.key)).status).toBe(200);
    expect((await one.ask("POST", path, one.operator, {})).status).toBe(400);
    const third = (await one.ask("POST", path, one.operator, { overlapSeconds: 0 })).json as unknown as Made;
    expect((await one.ask("DELETE", `/admin/keys/${revoked.id}`, one.operator)).json).toMatchObject({
      status: "revoked",
    });
    const tookMs = await Promise.all([
      until(async () => one.chat(revoked.key), 401, 60_000),
      until(async () => one.chat(rotated.key), 401, 60_000),
      until(async () => one.chat(third.key), 200, 60_000),
    ]);
    expect(Math.max(...tookMs)).toBeLessThan(60_000);
  });
});
