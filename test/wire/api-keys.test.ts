import { createHmac } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, test, vi } from "vitest";
import type { ApiKeyEntry } from "../../src/config/config.ts";
import * as keys from "../../src/wire/api-keys.ts";

const pepper = "a pepper of the tests, long enough";
const secretBytes = Uint8Array.from({ length: 32 }, (_, index) => index * 7);
const key = keys.formatKey("ops", secretBytes);
const expiresAtMs = Date.UTC(2027, 0, 1);

async function entryOf(id: string, rest: Partial<ApiKeyEntry> = {}): Promise<ApiKeyEntry> {
  const hmac = keys.toHex(await keys.keyHmac(keys.formatKey(id, secretBytes), pepper));
  return { id, tenant: "acme", hmac, scopes: ["infer"], priorityMax: "normal", expiresAtMs: null, ...rest };
}

/** Another character at `index`, from the same alphabet. */
const changed = (text: string, index: number) =>
  text.slice(0, index) + (text[index] === "a" ? "b" : "a") + text.slice(index + 1);
/** The same key with another secret and a right checksum: what a guesser sends. */
const wrongSecret = keys.formatKey("ops", new Uint8Array(32));

describe("the form of a key", () => {
  test("is the prefix, the id, the secret and a checksum", () => {
    expect(key).toMatch(/^wp_ops_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}$/);
    expect(keys.parseKey(key)).toEqual({ id: "ops", key });
  });

  test("has the checksum of CRC-32's check value", () => {
    // 0xCBF43926 is CRC-32 of "123456789"; in base 62: 3jZZxQ.
    const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const value = [...keys.keyChecksum("123456789")].reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0);
    expect(value).toBe(0xcbf43926);
  });

  test("survives any secret and any id", () => {
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(bytes, fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/), (secret, id) => {
        const made = keys.formatKey(id, secret);
        expect(made.length).toBeGreaterThanOrEqual(keys.KEY_CHARS_MIN);
        expect(made.length).toBeLessThanOrEqual(keys.KEY_CHARS_MAX);
        expect(keys.parseKey(`Bearer ${made}`)?.id).toBe(id);
      }),
    );
  });

  test("a change of any one character is seen", () => {
    for (let index = 0; index < key.length; index += 1) expect(keys.parseKey(changed(key, index))).toBeNull();
  });

  test.each([
    ["no header", null],
    ["an empty one", ""],
    ["a scheme alone", "Bearer "],
    ["another scheme", `Basic ${key}`],
    ["a foreign key", "Bearer sk-proj-0123456789"],
    ["a key cut short", key.slice(0, -1)],
    ["a key with more behind it", `${key}a`],
    ["two keys", `Bearer ${key} ${key}`],
    ["a very long header", `Bearer ${"a".repeat(100_000)}`],
    ["an id in upper case", keys.formatKey("Ops", secretBytes)],
    ["an id of 33 characters", keys.formatKey("a".repeat(33), secretBytes)],
    ["a short secret", keys.formatKey("ops", new Uint8Array(31))],
  ])("%s is no key", (_, value) => {
    expect(keys.parseKey(value)).toBeNull();
  });

  test.each([
    ["alone", key],
    ["as a bearer token", `Bearer ${key}`],
    ["with the scheme in lower case", `bearer  ${key}`],
  ])("is read %s", (_, value) => {
    expect(keys.parseKey(value)?.id).toBe("ops");
  });
});

test("the digest is HMAC-SHA-256 of the whole key", async () => {
  const expected = createHmac("sha256", pepper).update(key).digest("hex");
  expect(keys.toHex(await keys.keyHmac(key, pepper))).toBe(expected);
});

describe("verifying", () => {
  let entries: ApiKeyEntry[] = [];
  beforeAll(async () => {
    const ops = await entryOf("ops", { scopes: ["infer", "admin"], priorityMax: "high", expiresAtMs });
    // Somebody pasted the digest of "ops" under another id.
    entries = [ops, { ...ops, id: "copied" }];
  });

  test.each<[string, string | null, number, unknown]>([
    [
      "the key before it expires",
      `Bearer ${key}`,
      expiresAtMs - 1,
      { ok: true, value: { keyId: "ops", tenant: "acme", scopes: ["infer", "admin"], priorityMax: "high" } },
    ],
    ["the key at the instant of its expiry", key, expiresAtMs, { ok: false, error: "expired" }],
    ["a wrong secret", wrongSecret, 0, { ok: false, error: "unknown" }],
    ["a wrong secret of an expired key", wrongSecret, expiresAtMs, { ok: false, error: "unknown" }],
    ["an unknown id", keys.formatKey("nobody", secretBytes), 0, { ok: false, error: "unknown" }],
    ["an id of every object", keys.formatKey("constructor", secretBytes), 0, { ok: false, error: "unknown" }],
    ["a digest under another id", keys.formatKey("copied", secretBytes), 0, { ok: false, error: "unknown" }],
    ["a typo", changed(key, 20), 0, { ok: false, error: "malformed" }],
    ["nothing", null, 0, { ok: false, error: "malformed" }],
  ])("%s", async (_, value, nowMs, expected) => {
    expect(await keys.createKeyVerifier(entries, [pepper]).verify(value, nowMs)).toEqual(expected);
  });

  test("another pepper knows no key", async () => {
    expect(await keys.createKeyVerifier(entries, [`${pepper}!`]).verify(key, 0)).toEqual({
      ok: false,
      error: "unknown",
    });
    expect(await keys.createKeyVerifier(entries, []).verify(key, 0)).toEqual({ ok: false, error: "unknown" });
  });

  test("costs one HMAC, whether the id is known or not, and none for a typo", async () => {
    const sign = vi.spyOn(crypto.subtle, "sign");
    const importKey = vi.spyOn(crypto.subtle, "importKey");
    try {
      const verifier = keys.createKeyVerifier(entries, [pepper]);
      const signsOf = async (value: string) => {
        sign.mockClear();
        await verifier.verify(value, 0);
        return sign.mock.calls.length;
      };
      expect(await signsOf(key)).toBe(1);
      expect(await signsOf(wrongSecret)).toBe(1);
      expect(await signsOf(keys.formatKey("nobody", secretBytes))).toBe(1);
      expect(await signsOf(changed(key, 20))).toBe(0);
      expect(importKey).toHaveBeenCalledTimes(1);
    } finally {
      sign.mockRestore();
      importKey.mockRestore();
    }
  });
});

test("digests are equal only in every byte and in length", () => {
  const left = Uint8Array.from([1, 2, 3]);
  const cases = [[1, 2, 3], [1, 2, 4], [0, 2, 3], [1, 2], [1, 2, 3, 0], []];
  expect(cases.map((bytes) => keys.equalDigests(left, Uint8Array.from(bytes)))).toEqual([
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
});

test.each([
  [undefined, "is not set"],
  ["", "is not set"],
  ["a".repeat(keys.PEPPER_CHARS_MIN - 1), `is shorter than ${keys.PEPPER_CHARS_MIN} characters`],
  ["a".repeat(keys.PEPPER_CHARS_MIN), null],
])("the pepper %s: %s", (value, problem) => {
  expect(keys.pepperProblem(value)).toBe(problem);
});
