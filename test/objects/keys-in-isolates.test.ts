/** A key of the registry in several isolates, whose clock the test turns: how long one that was revoked is still good. */
import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { keyIdOf, pepperMark } from "../../src/access/core/key-id.ts";
import type { NewKey, Order } from "../../src/access/core/registry-calls.ts";
import type { KeyRegistry } from "../../src/access/object/key-registry.ts";
import { verifyElsewhere } from "../../src/access/verify-elsewhere.ts";
import { peppersOf } from "../../src/config/env.ts";
import { runtimeOf } from "../../src/dispatch/runtime.ts";
import type { EdgeEnv } from "../../src/dispatch/runtime.ts";
import { hashKeyOf } from "../../src/lib/keyed-hash.ts";
import { createKeyVerifier, formatKey, keyHmac, toHex } from "../../src/wire/api-keys.ts";

const edgeEnv = env as unknown as EdgeEnv & { readonly KEY_REGISTRY: DurableObjectNamespace<KeyRegistry> };
const [pepper = ""] = peppersOf(edgeEnv);
const S = 1_000;
/** What is promised, and what the isolates' ages allow for. */
const PROMISED_MS = 60 * S;

const order: Order = {
  actor: { keyId: "ops", tenant: "ops", subject: null, address: null, requestId: "req_1" },
  action: "POST /admin/keys",
  of: null,
};

const registry = () => edgeEnv.KEY_REGISTRY.getByName("keys");

async function secretOf(id: string): Promise<{ readonly key: string; readonly hmac: string }> {
  const key = formatKey(id, crypto.getRandomValues(new Uint8Array(32)));
  return { key, hmac: toHex(await keyHmac(key, pepper)) };
}

let made = 0;

async function make(more: Partial<NewKey> = {}): Promise<{ readonly id: string; readonly key: string }> {
  made += 1;
  const id = keyIdOf(hashKeyOf(pepper), "web", String(made).padStart(6, "0"));
  const { key, hmac } = await secretOf(id);
  const reach = { pools: null, models: null, addresses: null };
  const rest = { tenant: "acme", scopes: ["infer"], priorityMax: "normal", note: "", expiresAtMs: null };
  await registry().ask("create", { key: { id, ...rest, ...reach, hmac, pepper: pepperMark(pepper), ...more }, order });
  return { id, key };
}

/** As the router asks: its own memory first, then the registry beside or before the request. */
function isolate() {
  const whole = runtimeOf(edgeEnv);
  if (whole === null) throw new Error("the fixture is wrong");
  const runtime = { ...whole, keys: createKeyVerifier(whole.config.keys, peppersOf(edgeEnv)) };
  return async (key: string, atMs: number) => {
    const beside: Promise<unknown>[] = [];
    const own = await runtime.keys.verify(key, atMs);
    const ctx = { waitUntil: (work: Promise<unknown>) => void beside.push(work) };
    const found = own.ok ? own : await verifyElsewhere({ runtime, env: edgeEnv, ctx }, key, atMs);
    await Promise.all(beside);
    return found.ok ? "good" : found.error.reason;
  };
}

beforeEach(async () => reset());

describe("within a minute, in every isolate", () => {
  const BEGINS_MS = Date.now();
  /** How often each isolate meets the key, ms; the last one hardly ever. */
  const EVERY_MS = [S, 7 * S, 16 * S, 29 * S, 61 * S];

  /** How long after it each isolate still takes it, ms. */
  async function lastGood(key: string, afterMs: number, revoke: () => Promise<unknown>): Promise<readonly number[]> {
    const revokedMs = BEGINS_MS + afterMs;
    const isolates = EVERY_MS.map((everyMs) => ({ everyMs, ask: isolate(), goodAtMs: 0, seen: new Set<string>() }));
    let isRevoked = false;
    for (let atMs = BEGINS_MS; atMs < revokedMs + 2 * PROMISED_MS; atMs += S) {
      if (atMs >= revokedMs && !isRevoked) await revoke();
      isRevoked ||= atMs >= revokedMs;
      for (const one of isolates) {
        if ((atMs - BEGINS_MS) % one.everyMs !== 0) continue;
        const found = await one.ask(key, atMs);
        one.seen.add(found);
        if (found === "good") one.goodAtMs = atMs;
      }
    }
    for (const { seen } of isolates) expect([...seen]).toEqual(["good", "unauthorized"]);
    return isolates.map(({ goodAtMs }) => goodAtMs - revokedMs);
  }

  // Right after an isolate has asked, and at other points of what it may know.
  test.each([1, 14, 16, 31, 44])("a key that is revoked %i s after its first use is good no longer", async (afterS) => {
    const { id, key } = await make();
    const ages = await lastGood(key, afterS * S, async () =>
      registry().ask("change", { id, change: { kind: "revoke" }, order }),
    );
    expect(Math.max(...ages)).toBeLessThan(PROMISED_MS);
    // It goes on for a while where it is known: nothing is asked for each request.
    expect(Math.max(...ages)).toBeGreaterThan(0);
  });

  test("nor is a secret that was rotated out without an overlap, and the new one is", async () => {
    const { id, key } = await make();
    const second = await secretOf(id);
    const rotation = { kind: "rotate", hmac: second.hmac, pepper: pepperMark(pepper), overlapMs: 0 } as const;
    const ages = await lastGood(key, S, async () => registry().ask("change", { id, change: rotation, order }));
    expect(Math.max(...ages)).toBeLessThan(PROMISED_MS);
    expect(await isolate()(second.key, BEGINS_MS)).toBe("good");
  });
});

test("a secret that was made since is good at once in an isolate that knows the key, and so is the one before it", async () => {
  const { id, key } = await make();
  const ask = isolate();
  expect(await ask(key, Date.now())).toBe("good");
  const second = await secretOf(id);
  const rotation = { kind: "rotate", hmac: second.hmac, pepper: pepperMark(pepper), overlapMs: 60_000 } as const;
  await registry().ask("change", { id, change: rotation, order });
  expect([await ask(second.key, Date.now() + 1), await ask(key, Date.now() + 2)]).toEqual(["good", "good"]);
});

test("a key with limits that this version does not know is not let pass without them", async () => {
  const { key } = await make({ limits: { requestsPerFortnight: 5 } });
  const { key: good } = await make({ limits: { requestsPerMinute: 5 } });
  const ask = isolate();
  expect([await ask(key, Date.now()), await ask(good, Date.now())]).toEqual(["keys_unavailable", "good"]);
});
