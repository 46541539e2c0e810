import { describe, expect, test } from "vitest";
import { liveSecrets, rehash, revoke, rotate, standingOf } from "../../../src/access/core/key-record.ts";
import type { KeyRecord } from "../../../src/access/core/key-record.ts";
import { isGiven, keyIdOf, LABEL_CHARS_MAX, randomPart } from "../../../src/access/core/key-id.ts";
import { hashKeyOf } from "../../../src/lib/keyed-hash.ts";
import { formatKey, parseKey } from "../../../src/wire/api-keys.ts";

const T = 1_000;
const key: KeyRecord = {
  id: "a",
  tenant: "acme",
  scopes: ["infer"],
  priorityMax: "normal",
  pools: null,
  models: null,
  addresses: null,
  note: "",
  createdBy: "ops",
  createdAtMs: 0,
  expiresAtMs: 10_000,
  revokedAtMs: null,
  secrets: [{ hmac: "one", pepper: "p", createdAtMs: 0, endsAtMs: null }],
};
const two = { hmac: "two", pepper: "p" };

describe("rotation", () => {
  test("leaves the secret before it alive for the overlap, and no longer", () => {
    const rotated = rotate(key, two, { overlapMs: 500, now: T });
    if (!rotated.ok) throw new Error(rotated.error);
    const live = (now: number) => liveSecrets(rotated.value, now).map(({ hmac }) => hmac);
    expect([live(T), live(T + 499), live(T + 500)]).toEqual([["two", "one"], ["two", "one"], ["two"]]);
  });

  test("has two live secrets at most, and 0 ends all earlier ones at once", () => {
    const once = rotate(key, two, { overlapMs: 500, now: T });
    if (!once.ok) throw new Error(once.error);
    const three = { hmac: "three", pepper: "p" };
    expect(rotate(once.value, three, { overlapMs: 500, now: T + 1 })).toEqual({ ok: false, error: "two_are_live" });
    const again = rotate(once.value, three, { overlapMs: 0, now: T + 1 });
    expect(again.ok && again.value.secrets.map(({ hmac }) => hmac)).toEqual(["three"]);
    expect(rotate(once.value, three, { overlapMs: 500, now: T + 500 }).ok).toBe(true);
  });

  test("a key that has ended has none", () => {
    expect(rotate(key, two, { overlapMs: 0, now: 10_000 })).toEqual({ ok: false, error: "ended" });
    expect(rotate(revoke(key, T), two, { overlapMs: 0, now: T })).toEqual({ ok: false, error: "ended" });
  });
});

test("a key ends at its instant, and at its revocation, which no second one moves", () => {
  expect([standingOf(key, 9_999), standingOf(key, 10_000)]).toEqual(["active", "expired"]);
  const revoked = revoke(key, T);
  expect([standingOf(revoked, 0), revoked.secrets]).toEqual(["revoked", []]);
  expect(revoke(revoked, T + 1)).toBe(revoked);
});

test("a secret is known by its digest under another pepper, and only the one that was asked for", () => {
  expect(rehash(key, "one", { hmac: "new", pepper: "q" })?.secrets).toEqual([
    { hmac: "new", pepper: "q", createdAtMs: 0, endsAtMs: null },
  ]);
  expect(rehash(key, "gone", { hmac: "new", pepper: "q" })).toBeNull();
});

describe("ids", () => {
  const [ours, other] = ["a pepper of the tests", "another pepper"].map(hashKeyOf);
  if (ours === undefined || other === undefined) throw new Error("two peppers");
  const id = keyIdOf(ours, "a".repeat(LABEL_CHARS_MAX), randomPart([0, 35, 36, 255, 7, 9]));

  test("of the longest label are still a key's", () => {
    expect([id.length, parseKey(formatKey(id, new Uint8Array(32)))?.id]).toEqual([32, id]);
  });

  test("are known under the pepper that gave them, also as the old one, and under no other", () => {
    expect([isGiven([ours], id), isGiven([other, ours], id), isGiven([other], id), isGiven([], id)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test("that are made up, or changed in any place, are not", () => {
    for (let at = 0; at < id.length; at += 1) {
      const changed = `${id.slice(0, at)}${id[at] === "b" ? "c" : "b"}${id.slice(at + 1)}`;
      expect(isGiven([ours], changed), changed).toBe(false);
    }
    for (const made of ["ops", "a", "", "key-abcdef0123456789"]) expect(isGiven([ours], made)).toBe(false);
  });
});
