/** The registry in its runtime: keys, the chain of records, and that both are one write. */
import { evictDurableObject, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { AUDIT_AGE_MS_MAX, AUDIT_RECORDS_MAX } from "../../src/access/core/audit.ts";
import type { Actor, AuditEntry } from "../../src/access/core/audit.ts";
import type { NewKey, Order, RegistryCalls } from "../../src/access/core/registry-calls.ts";
import type { Result } from "../../src/lib/result.ts";
import type { KeyRegistry } from "../../src/access/object/key-registry.ts";

const { KEY_REGISTRY } = env as unknown as { readonly KEY_REGISTRY: DurableObjectNamespace<KeyRegistry> };

const actor: Actor = { keyId: "ops", tenant: "acme", subject: null, address: "203.0.113.7", requestId: "req_1" };
const order: Order = { actor, action: "POST /admin/keys", of: null };
const newKey = (id: string, rest: Partial<NewKey> = {}): NewKey => ({
  id,
  tenant: "acme",
  scopes: ["infer"],
  priorityMax: "normal",
  pools: null,
  models: null,
  addresses: null,
  note: "",
  expiresAtMs: null,
  hmac: `hmac-of-${id}`,
  pepper: "p",
  ...rest,
});
const entry = (rest: Partial<AuditEntry> = {}): AuditEntry => ({
  actor,
  action: "POST /admin/x",
  outcome: "asked",
  of: null,
  before: null,
  after: null,
  ...rest,
});

type Line = {
  seq: number;
  action: string;
  outcome: string;
  prev: string;
  hash: string;
  before: unknown;
  after: unknown;
};

let registry: DurableObjectStub<KeyRegistry>;
let next = 0;
beforeEach(async () => {
  await reset();
  next += 1;
  registry = KEY_REGISTRY.getByName(`keys-${next}`);
});

/** What it answers; a failure fails the test. */
async function ask<Name extends keyof RegistryCalls>(
  name: Name,
  asked: RegistryCalls[Name]["ask"],
): Promise<RegistryCalls[Name]["answer"]> {
  const answer = (await registry.ask(name, asked)) as Result<RegistryCalls[Name]["answer"], string>;
  if (!answer.ok) throw new Error(answer.error);
  return answer.value;
}

async function lines(): Promise<Line[]> {
  const page = await ask("audit", { since: { seq: 0 }, limit: 1_000 });
  return page.lines.map((line) => JSON.parse(line) as Line);
}

/** As anybody may check an export: the hash is that of the line without it. */
async function isChain(exported: readonly string[]): Promise<boolean> {
  let prev: string | null = null;
  for (const text of exported) {
    const { hash, prev: before } = JSON.parse(text) as Line;
    const line = text.replace(`,"hash":"${hash}"}`, "}");
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(line));
    const made = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (made !== hash || (prev !== null && before !== prev)) return false;
    prev = hash;
  }
  return true;
}

describe("keys", () => {
  test("are made once, found, listed by tenant, and survive the object", async () => {
    await ask("create", { key: newKey("b"), order });
    await ask("create", { key: newKey("a", { tenant: "other" }), order });
    expect(await ask("create", { key: newKey("a"), order })).toBe("taken");
    await evictDurableObject(registry);
    const found = await ask("lookup", { ids: ["a", "none", "b"] });
    expect(found.map((key) => key?.id ?? null)).toEqual(["a", null, "b"]);
    const listed = await ask("list", { tenant: "acme", after: "", limit: 10 });
    expect(listed.map(({ id, createdBy }) => [id, createdBy])).toEqual([["b", "ops"]]);
  });

  test("name their tenants, each once and no more than are asked for", async () => {
    for (const [id, tenant] of [
      ["a", "one"],
      ["b", "two"],
      ["c", "one"],
    ] as const)
      await ask("create", { key: newKey(id, { tenant }), order });
    expect(await ask("tenants", { limit: 10 })).toEqual(["one", "two"]);
    expect(await ask("tenants", { limit: 1 })).toEqual(["one"]);
  });

  test("an id of the config is taken", async () => {
    expect(await ask("create", { key: newKey("own"), order })).toBe("taken");
  });

  test("a digest is kept under another pepper, and only for who had the one before", async () => {
    await ask("create", { key: newKey("a"), order });
    const to = { id: "a", hmac: "new", pepper: "q" };
    expect(await ask("rehash", { ...to, from: "guessed" })).toBe(false);
    expect(await ask("rehash", { ...to, from: "hmac-of-a" })).toBe(true);
    const [key] = await ask("lookup", { ids: ["a"] });
    expect(key?.secrets).toMatchObject([{ hmac: "new", pepper: "q" }]);
  });

  test("two at once that want one id get it once, and each change is one record", async () => {
    const made = await Promise.all([1, 2, 3].map(async () => ask("create", { key: newKey("a"), order })));
    expect(made.filter((one) => one !== "taken")).toHaveLength(1);
    expect((await lines()).filter(({ action }) => action === order.action)).toHaveLength(1);
  });
});

describe("the record", () => {
  test("is a chain, also of what came at once and over a restart", async () => {
    await Promise.all(Array.from({ length: 20 }, async () => ask("record", entry())));
    await evictDurableObject(registry);
    await ask("create", { key: newKey("a"), order });
    const { lines: exported } = await ask("audit", { since: { seq: 0 }, limit: 1_000 });
    expect(await isChain(exported)).toBe(true);
    expect(exported.map((line) => (JSON.parse(line) as Line).seq)).toEqual(exported.map((_, index) => index + 1));
    expect(await isChain([...exported.slice(0, 5), ...exported.slice(6)]), "one is missing").toBe(false);
    const changed = exported.map((line, index) => (index === 3 ? line.replace('"ops"', '"eve"') : line));
    expect(await isChain(changed), "one was changed").toBe(false);
  });

  test.each([
    ["was changed", `UPDATE audit SET line = replace(line, '"ops"', '"eve"') WHERE seq = 4`, 4],
    ["was removed", "DELETE FROM audit WHERE seq = 4", 5],
    ["was changed with its hash", `UPDATE audit SET line = line || ' ', hash = 'x' WHERE seq = 4`, 4],
    ["came in between", "UPDATE audit SET seq = 40 WHERE seq = 7", 40],
  ])("says itself where it is broken: one %s", async (_, damage, brokenAt) => {
    for (let count = 0; count < 6; count += 1) await ask("record", entry());
    const page = async (since: number, limit: number) => ask("audit", { since: { seq: since }, limit });
    expect([(await page(0, 100)).brokenAt, (await page(3, 2)).brokenAt]).toEqual([null, null]);
    await runInDurableObject(registry, (__, { storage }) => void storage.sql.exec(damage));
    expect((await page(0, 100)).brokenAt).toBe(brokenAt);
    // A page that begins there says so as well: it is compared with the record before it.
    expect((await page(brokenAt - 1, 1)).brokenAt).toBe(brokenAt);
    expect((await page(0, 2)).brokenAt).toBeNull();
  });

  test("begins with the config, and has it again when it changes", async () => {
    expect(await lines()).toMatchObject([{ action: "config", outcome: "done", before: null }]);
    await evictDurableObject(registry);
    expect(await lines()).toHaveLength(1);
  });

  test("of a change of a key has what was before and after, and no digest", async () => {
    await ask("create", { key: newKey("a"), order });
    await ask("change", { id: "a", change: { kind: "revoke" }, order });
    const [, made, revoked] = await lines();
    expect(made).toMatchObject({ before: null, after: { id: "a", revokedAtMs: null, liveSecrets: 1 } });
    expect(revoked).toMatchObject({ before: { revokedAtMs: null }, after: { revokedAtMs: expect.any(Number) } });
    expect(JSON.stringify([made, revoked])).not.toContain("hmac-of-a");
  });

  test("of a change of limits and scopes has both states, and what is not named stays", async () => {
    await ask("create", { key: newKey("a", { limits: { spendPerDay: 5 }, note: "web" }), order });
    const members = { limits: { requestsPerMinute: 10 }, scopes: ["infer", "operate"] };
    const changed = await ask("change", { id: "a", change: { kind: "edit", members }, order });
    expect(changed).toMatchObject({ ...members, note: "web", tenant: "acme" });
    await evictDurableObject(registry);
    expect(await ask("lookup", { ids: ["a"] })).toMatchObject([{ ...members, secrets: [{ hmac: "hmac-of-a" }] }]);
    expect((await lines()).at(-1)).toMatchObject({
      before: { limits: { spendPerDay: 5 }, scopes: ["infer"] },
      after: members,
    });
    await ask("change", { id: "a", change: { kind: "revoke" }, order });
    expect(await ask("change", { id: "a", change: { kind: "edit", members }, order })).toBe("ended");
    expect(await ask("change", { id: "none", change: { kind: "edit", members }, order })).toBeNull();
  });

  test("leaves secrets out by the names of their members, at any depth, and cuts what is long", async () => {
    const secret = "planted-secret";
    await ask(
      "record",
      entry({ after: { key: secret, list: [{ token: secret, deep: { url: secret } }], hmac: secret, kept: "yes" } }),
    );
    await ask("record", entry({ after: { text: "x".repeat(100_000) } }));
    const text = JSON.stringify(await lines());
    expect([text.includes(secret), text.includes('"kept":"yes"'), text.length < 10_000]).toEqual([false, true, true]);
  });

  test("a key is not changed when its record cannot be written", async () => {
    await ask("create", { key: newKey("a"), order });
    await runInDurableObject(registry, async (_, state) => {
      state.storage.sql.exec("CREATE TRIGGER no_room BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END");
    });
    expect(await registry.ask("change", { id: "a", change: { kind: "revoke" }, order })).toEqual({
      ok: false,
      error: "failed",
    });
    const [key] = await ask("lookup", { ids: ["a"] });
    expect(key?.revokedAtMs).toBeNull();
  });

  test("is bounded by number and by age: the oldest go, and what is left is still a chain", async () => {
    for (let index = 0; index < 2; index += 1) await ask("record", entry());
    await runInDurableObject(registry, async (_, state) => {
      const { sql } = state.storage;
      // The newest two of as many as may be, and the first of all.
      sql.exec("UPDATE audit SET seq = ? WHERE seq = 3", AUDIT_RECORDS_MAX);
      sql.exec("UPDATE audit SET seq = ? WHERE seq = 2", AUDIT_RECORDS_MAX - 1);
    });
    const oldest = async (): Promise<number> => (await ask("audit", { since: { seq: 0 }, limit: 1 })).oldestSeq;
    expect(await oldest(), "as many as may be").toBe(1);
    await ask("record", entry());
    expect(await oldest(), "one more").toBe(AUDIT_RECORDS_MAX - 1);
    await runInDurableObject(registry, async (_, state) => {
      const tooOldMs = Date.now() - AUDIT_AGE_MS_MAX - 1;
      state.storage.sql.exec("UPDATE audit SET at_ms = ? WHERE seq = ?", tooOldMs, AUDIT_RECORDS_MAX - 1);
    });
    await ask("record", entry());
    expect(await oldest(), "one that is too old").toBe(AUDIT_RECORDS_MAX);
    const { lines: exported } = await ask("audit", { since: { seq: 0 }, limit: 10 });
    expect(exported).toHaveLength(3);
    expect(await isChain(exported)).toBe(true);
  });

  test("is read in pages, from a number or an instant", async () => {
    for (let index = 0; index < 5; index += 1) await ask("record", entry());
    const first = await ask("audit", { since: { seq: 0 }, limit: 4 });
    expect([first.lines.length, first.lastSeq, first.hasMore, first.newestSeq]).toEqual([4, 4, true, 6]);
    const rest = await ask("audit", { since: { seq: first.lastSeq }, limit: 4 });
    expect([rest.lines.length, rest.lastSeq, rest.hasMore]).toEqual([2, 6, false]);
    expect((await ask("audit", { since: { atMs: Date.now() + 60_000 }, limit: 4 })).lines).toEqual([]);
  });
});

describe("what alerts watch of the registry", () => {
  // What has ended long ago is forgotten.
  const now = Date.now();
  const watched = async (limit = 9, tenants: readonly string[] = []) =>
    ask("watched", { endsFromMs: now + 1_000, endsBeforeMs: now + 9_000, limit, tenants });

  test("is the keys that end in that time and are not revoked, the first to end, and so many", async () => {
    for (const [id, expiresAtMs] of [
      ["before", now + 999],
      ["last", now + 9_000],
      ["first", now + 1_000],
      ["revoked", now + 5_000],
      ["after", now + 9_001],
      ["never", null],
    ] as const)
      await ask("create", { key: newKey(id, { expiresAtMs }), order });
    await ask("change", { id: "revoked", change: { kind: "revoke" }, order });
    const ending = [
      { id: "first", expiresAtMs: now + 1_000 },
      { id: "last", expiresAtMs: now + 9_000 },
    ];
    expect((await watched()).ending).toEqual(ending);
    expect((await watched(1)).ending).toEqual(ending.slice(0, 1));
  });

  test("is which tenants have keys with limits", async () => {
    await ask("create", { key: newKey("k1", { tenant: "acme", limits: { spendPerDay: 1 } }), order });
    await ask("create", { key: newKey("k2", { tenant: "globex" }), order });
    expect((await watched(9, ["globex", "acme", "nobody"])).limited).toEqual(["acme"]);
  });
});
