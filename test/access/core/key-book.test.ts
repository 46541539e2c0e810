import { describe, expect, test } from "vitest";
import * as book from "../../../src/access/core/key-book.ts";
import type { KeyBook } from "../../../src/access/core/key-book.ts";
import type { KeyRecord } from "../../../src/access/core/key-record.ts";

const record = (id: string): KeyRecord => ({
  id,
  tenant: "acme",
  scopes: ["infer"],
  priorityMax: "normal",
  pools: null,
  models: null,
  addresses: null,
  note: "",
  createdBy: "ops",
  createdAtMs: 0,
  expiresAtMs: null,
  revokedAtMs: null,
  secrets: [],
});
const T = 1_000_000;

function knowing(id: string, atMs = T): KeyBook {
  const made = book.createKeyBook();
  book.noteAnswer(made, id, record(id), atMs);
  return made;
}

describe("a key that the registry has told of", () => {
  test.each([
    ["is used while it is young", book.KEY_FRESH_MS - 1, { kind: "use", due: false }],
    ["is used and asked for beside the request from then on", book.KEY_FRESH_MS, { kind: "use", due: true }],
    ["is used until its age is over", book.KEY_AGE_MS_MAX - 1, { kind: "use", due: true }],
    ["is not used before the registry has spoken from then on", book.KEY_AGE_MS_MAX, { kind: "ask" }],
  ])("%s", (_, ageMs, expected) => {
    expect(book.lookInto(knowing("a"), "a", true, T + ageMs)).toMatchObject(expected);
  });

  test("may never be used without looking here for longer than its age allows", () => {
    for (const ageMs of [0, book.KEY_FRESH_MS - 1, book.KEY_FRESH_MS, book.KEY_AGE_MS_MAX - 1]) {
      const known = book.lookInto(knowing("a"), "a", true, T + ageMs);
      expect(known).toMatchObject({ kind: "use" });
      if (known.kind === "use") expect(known.untilMs).toBeLessThanOrEqual(T + book.KEY_AGE_MS_MAX);
    }
    expect(book.KEY_AGE_MS_MAX).toBeLessThan(60_000);
  });

  test("is gone with the answer that says so, and an answer to an older question brings it not back", () => {
    const known = knowing("a");
    book.noteAnswer(known, "a", null, T + 10);
    book.noteAnswer(known, "a", record("a"), T + 5);
    expect(book.lookInto(known, "a", true, T + 11)).toEqual({ kind: "absent" });
    expect(book.lookInto(known, "a", true, T + 10 + book.KEY_ABSENT_MS)).toEqual({ kind: "ask" });
  });

  test("is asked for once at a time beside requests", () => {
    const known = knowing("a");
    const now = T + book.KEY_FRESH_MS;
    const due = [0, 1, 2].map((ms) => book.lookInto(known, "a", true, now + ms)).map((one) => "due" in one && one.due);
    expect(due).toEqual([true, false, false]);
  });
});

describe("while the registry is silent", () => {
  test("what was good goes on within its grace, and not beyond", () => {
    const known = knowing("a");
    const silentAtMs = T + book.KEY_AGE_MS_MAX;
    book.noteSilence(known, "a", silentAtMs);
    expect(book.lookInto(known, "a", true, silentAtMs + 1)).toMatchObject({ kind: "use", due: false });
    expect(book.lookInto(known, "a", true, silentAtMs + book.KEY_RETRY_MS)).toEqual({ kind: "ask" });
    const last = T + book.KEY_GRACE_MS - 1;
    book.noteSilence(known, "a", last - 10);
    expect(book.lookInto(known, "a", true, last)).toMatchObject({ kind: "use", untilMs: T + book.KEY_GRACE_MS });
    expect(book.lookInto(known, "a", true, last + 1)).toMatchObject({ kind: "unknown" });
  });

  test("who is not known is neither good nor bad, and is not asked for at once again", () => {
    const empty = book.createKeyBook();
    book.noteSilence(empty, "a", T);
    expect(book.lookInto(empty, "a", true, T + 1)).toEqual({ kind: "unknown", retryAfterMs: book.KEY_RETRY_MS - 1 });
    expect(book.lookInto(empty, "a", true, T + book.KEY_RETRY_MS)).toEqual({ kind: "ask" });
  });
});

describe("ids that nobody gave", () => {
  test("have a budget of looks, which fills again", () => {
    const empty = book.createKeyBook();
    const kinds = Array.from(
      { length: book.STRANGE_LOOKS_MAX + 1 },
      (_, index) => book.lookInto(empty, `x${index}`, false, T).kind,
    );
    expect(kinds.filter((kind) => kind === "ask")).toHaveLength(book.STRANGE_LOOKS_MAX);
    expect(kinds.at(-1)).toBe("unknown");
    expect(book.lookInto(empty, "y", false, T + 1_000).kind).toBe("ask");
    expect(book.lookInto(empty, "z", true, T).kind).toBe("ask");
  });

  test("share their budget with secrets that may be newer than what is known of their key", () => {
    const empty = book.createKeyBook();
    const looks = Array.from({ length: book.STRANGE_LOOKS_MAX + 1 }, () => book.mayBeNewer(empty, T));
    expect(looks.filter((may) => may)).toHaveLength(book.STRANGE_LOOKS_MAX);
    expect(looks.at(-1)).toBe(false);
    expect(book.mayBeNewer(empty, T + 1_000)).toBe(true);
  });
});

describe("bounds", () => {
  test("of ids", () => {
    const made = book.createKeyBook();
    for (let index = 0; index < book.BOOK_KEYS_MAX; index += 1) book.noteAnswer(made, `k${index}`, null, T);
    expect(made.entries.size).toBe(book.BOOK_KEYS_MAX);
    book.noteAnswer(made, "one-more", null, T);
    expect([made.entries.size, made.entries.has("k0"), made.entries.has("one-more")]).toEqual([
      book.BOOK_KEYS_MAX,
      false,
      true,
    ]);
  });

  test("of ids that one question names: those in use that are due", () => {
    const made = book.createKeyBook();
    for (let index = 0; index < 300; index += 1) book.noteAnswer(made, `k${index}`, record(`k${index}`), T);
    const now = T + book.KEY_FRESH_MS;
    expect(book.idsToAsk(made, "k7", now)).toHaveLength(book.LOOKUP_IDS_MAX);
    expect(book.idsToAsk(made, "k7", T)).toEqual(["k7"]);
    expect(book.idsToAsk(made, "k7", T + 10 * book.KEY_AGE_MS_MAX)).toEqual(["k7"]);
  });
});
