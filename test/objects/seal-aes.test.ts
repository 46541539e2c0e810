/** What is sealed: opened by WebCrypto as well, at its own place alone, under its own key alone; and which keys must be there. */
import { describe, expect, test, vi } from "vitest";
import { isLocked } from "../../src/jobs/core/locked.ts";
import { JobStore } from "../../src/jobs/object/job-store.ts";
import { aesSealer } from "../../src/jobs/object/seal-aes.ts";
import { BrokenSeal, PLAIN } from "../../src/jobs/object/sealer.ts";
import { SEAL_DAYS_MAX } from "../../src/jobs/object/seals.ts";
import { inQueue, queue, submit, useQueue } from "./job-queue-support.ts";

const secretOf = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const SECRET = secretOf(7);
const NAME = "jobs:llama-test";
const PLACE = ["spec", "job-1"] as const;
const TEXT = 'A prompt with "quotes", ümlauts and \u{1F512}.';

const sealed = (text: string, sealer = aesSealer([SECRET], NAME)) => {
  const stored = sealer.seal(text, PLACE);
  if (typeof stored === "string") throw new Error("it was not sealed");
  return new Uint8Array(stored);
};

async function derived(use: string): Promise<ArrayBuffer> {
  const secret = await crypto.subtle.importKey("raw", SECRET, "HKDF", false, ["deriveBits"]);
  const info = new TextEncoder().encode(`warmpath/${use}/${NAME}`);
  return crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info }, secret, 256);
}

describe("a sealed value", () => {
  test("is what WebCrypto opens, with the key that it derives", async () => {
    const value = sealed(TEXT);
    const key = await crypto.subtle.importKey("raw", await derived("seal"), "AES-GCM", false, ["decrypt"]);
    const additionalData = new TextEncoder().encode(JSON.stringify(PLACE));
    const algorithm = { name: "AES-GCM", iv: value.slice(9, 21), additionalData };
    expect(new TextDecoder().decode(await crypto.subtle.decrypt(algorithm, key, value.slice(21)))).toBe(TEXT);
  });

  test("is another one each time, and as long as its text and 37 bytes", () => {
    expect(sealed(TEXT)).not.toEqual(sealed(TEXT));
    expect(sealed(TEXT).byteLength).toBe(new TextEncoder().encode(TEXT).byteLength + 37);
    expect(sealed("").byteLength).toBe(37);
  });

  test.each([
    ["in another row", ["spec", "job-2"]],
    ["in another field", ["output", "job-1"]],
    ["in a row whose name continues the field's", ["spec", "job-1", ""]],
  ] as const)("does not open %s", (_, place) => {
    expect(() => aesSealer([SECRET], NAME).open(sealed(TEXT).buffer as ArrayBuffer, place)).toThrow(BrokenSeal);
  });

  test("does not open when any byte of it was changed, or when it was cut", () => {
    const sealer = aesSealer([SECRET], NAME);
    const value = sealed("short");
    for (let at = 0; at < value.byteLength; at++) {
      const changed = value.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => sealer.open(changed.buffer as ArrayBuffer, PLACE)).toThrow();
      expect(() => sealer.open(value.slice(0, at).buffer as ArrayBuffer, PLACE)).toThrow();
    }
    expect(sealer.open(value.buffer as ArrayBuffer, PLACE)).toBe("short");
  });

  test("opens under either of two keys, and is sealed under the first", () => {
    const both = aesSealer([secretOf(8), SECRET], NAME);
    expect(both.open(sealed(TEXT).buffer as ArrayBuffer, PLACE)).toBe(TEXT);
    const value = sealed(TEXT, both).buffer as ArrayBuffer;
    expect(aesSealer([secretOf(8)], NAME).open(value, PLACE)).toBe(TEXT);
  });

  test.each([
    ["another secret", () => aesSealer([secretOf(8)], NAME)],
    ["another pool", () => aesSealer([SECRET], "jobs:other")],
    ["no key", () => PLAIN],
  ])("under %s is said to lack its key, and not to be broken", (_, sealer) => {
    let thrown: unknown;
    try {
      sealer().open(sealed(TEXT).buffer as ArrayBuffer, PLACE);
    } catch (error) {
      thrown = error;
    }
    expect(isLocked(thrown)).toBe(true);
  });

  test("a text from before the key is read as it is", () => {
    expect(aesSealer([SECRET], NAME).open(TEXT, PLACE)).toBe(TEXT);
  });
});

describe("a queue with rows", () => {
  useQueue();
  const KEY = aesSealer([SECRET], NAME);
  const DAY_MS = 86_400_000;

  /** What making a store with this sealer comes to, after one with a key has written a row. */
  async function open(sealer: typeof PLAIN, days: number, isEmpty = false): Promise<unknown> {
    await queue().pause(true);
    const { id } = await submit();
    return inQueue((storage) => {
      const store = new JobStore(storage, KEY);
      const row = store.read(id);
      if (row === null) throw new Error("the job is not there");
      store.update(row, { orderKey: "0", wakeMs: null });
      if (isEmpty) store.delete(id);
      vi.setSystemTime(Date.now() + days * DAY_MS);
      try {
        return new JobStore(storage, sealer).read(id)?.job.id ?? null;
      } catch (error) {
        return isLocked(error);
      }
    });
  }

  test.each([
    ["with its key", KEY, 0, false, true],
    ["with another key beside its own", aesSealer([secretOf(8), SECRET], NAME), 0, false, true],
    ["without its key", PLAIN, 0, false, false],
    ["under another key", aesSealer([secretOf(8)], NAME), 0, false, false],
    ["without its key, which was used 30 days ago", PLAIN, SEAL_DAYS_MAX, false, false],
    ["without its key, when all of them are gone", PLAIN, 0, true, null],
  ] as const)("begins %s: %#", async (_, sealer, days, isEmpty, isBegun) => {
    const outcome = await open(sealer, days, isEmpty);
    if (isBegun === true) expect(outcome).toMatch(/^job-/);
    else expect(outcome).toBe(isBegun === null ? null : true);
  });

  test("forgets a key that was last used longer ago than anything lives", async () => {
    await queue().pause(true);
    await submit();
    const begins = await inQueue((storage) => {
      new JobStore(storage, PLAIN).saveMeta("seals", JSON.stringify({ [KEY.marks[0] ?? ""]: 0 }));
      vi.setSystemTime((SEAL_DAYS_MAX + 1) * DAY_MS);
      return new JobStore(storage, PLAIN).lanes().length;
    });
    expect(begins).toBe(1);
  });
});
