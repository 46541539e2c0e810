import { expect, test } from "vitest";
import type { ApiKeyEntry, Config } from "../../src/config/config.ts";
import {
  claimsOf,
  csrfOf,
  identityIn,
  isCsrfOf,
  readSession,
  SESSION_CHARS_MAX,
  SESSION_MS_MAX,
  signSession,
} from "../../src/sight/session.ts";

const PEPPER = "a pepper of the tests, long enough";
const NOW = Date.UTC(2026, 10, 30);

const entry: ApiKeyEntry = {
  id: "a-key-with-the-longest-id-of-all",
  tenant: "acme",
  hmac: "ab".repeat(32),
  scopes: ["infer", "admin"],
  priorityMax: "normal",
  expiresAtMs: null,
};
const claimsFor = (key: ApiKeyEntry, nonce: string) =>
  claimsOf({ keyId: key.id, digests: [key.hmac, "ef".repeat(32)], endsAtMs: key.expiresAtMs }, nonce, NOW);
const configOf = (...keys: readonly ApiKeyEntry[]) => ({ keys }) as Config;

test("a session lasts as long as one may, and no longer than its key", async () => {
  const cookie = await signSession(claimsFor(entry, "n"), PEPPER);
  expect(cookie.length).toBeLessThan(SESSION_CHARS_MAX);
  expect(await readSession(cookie, PEPPER, NOW + SESSION_MS_MAX - 1)).toMatchObject({ keyId: entry.id });
  expect(await readSession(cookie, PEPPER, NOW + SESSION_MS_MAX)).toBe(null);
  const short = claimsFor({ ...entry, expiresAtMs: NOW + 5 }, "n");
  expect(short.expiresAtMs).toBe(NOW + 5);
});

test("what is signed under another pepper, or under none, or is too long, is none", async () => {
  const cookie = await signSession(claimsFor(entry, "n"), PEPPER);
  expect(await readSession(cookie, `${PEPPER}.`, NOW)).toBe(null);
  expect(await readSession(cookie, "", NOW)).toBe(null);
  expect(await readSession("a".repeat(SESSION_CHARS_MAX + 1), PEPPER, NOW)).toBe(null);
  // A signature of ours over something else.
  const [payload = ""] = cookie.split(".");
  expect(await readSession(`${payload}.${await csrfOf(payload, PEPPER)}`, PEPPER, NOW)).toBe(null);
});

test("a session is its key's as the config has it now", () => {
  const claims = claimsFor(entry, "n");
  expect(identityIn(claims, configOf(entry), NOW)).toMatchObject({ keyId: entry.id, scopes: ["infer", "admin"] });
  expect(identityIn(claims, configOf({ ...entry, scopes: ["infer"] }), NOW)?.scopes).toEqual(["infer"]);
  const access = { pools: ["one"], models: null, addresses: null };
  expect(identityIn(claims, configOf({ ...entry, access }), NOW)?.access).toEqual(access);
  // Hashed anew under the other pepper.
  expect(identityIn(claims, configOf({ ...entry, hmac: "ef".repeat(32) }), NOW)).not.toBe(null);
  expect(identityIn(claims, configOf(), NOW)).toBe(null);
  expect(identityIn(claims, configOf({ ...entry, hmac: "cd".repeat(32) }), NOW)).toBe(null);
  const expiring = configOf({ ...entry, expiresAtMs: NOW + 10 });
  expect(identityIn(claims, expiring, NOW + 9)).not.toBe(null);
  expect(identityIn(claims, expiring, NOW + 10)).toBe(null);
});

test("the token belongs to one cookie", async () => {
  const [one, other] = await Promise.all(["1", "2"].map(async (n) => signSession(claimsFor(entry, n), PEPPER)));
  const token = await csrfOf(one ?? "", PEPPER);
  expect(await isCsrfOf(token, one ?? "", PEPPER)).toBe(true);
  expect(await isCsrfOf(token, other ?? "", PEPPER)).toBe(false);
  expect(await isCsrfOf("", one ?? "", PEPPER)).toBe(false);
  expect(await isCsrfOf("not base64!", one ?? "", PEPPER)).toBe(false);
});
