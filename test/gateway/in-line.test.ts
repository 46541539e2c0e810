import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inLineOf, TIMEOUT_S_MAX } from "../../src/gateway/in-line.ts";
import type { LineAsked } from "../../src/gateway/in-line.ts";
import { hashKeyOf } from "../../src/lib/keyed-hash.ts";

const SECRET = hashKeyOf("pepper of at least thirty-two characters");

type Changes = Partial<Omit<LineAsked, "headers">> & { readonly headers?: Readonly<Record<string, string>> };

const CAP_MS = 600_000;

const said = ({ headers = {}, ...changes }: Changes = {}) =>
  inLineOf(SECRET, {
    headers: new Headers(headers),
    json: null,
    tenant: "acme",
    priorityMax: "high",
    startedAtMs: 1_000,
    clientTimeoutMsMax: CAP_MS,
    ...changes,
  });

const line = (changes: Changes = {}) => {
  const answer = said(changes);
  if ("reason" in answer) throw new Error(answer.detail);
  return answer;
};

const classOf = (headers: Readonly<Record<string, string>>, priorityMax: LineAsked["priorityMax"] = "high") =>
  line({ headers, priorityMax }).priority;

describe("the class", () => {
  test.each([
    ["u=0", "high"],
    ["u=2, i", "high"],
    ["i, u=1", "high"],
    ["u=3", "normal"],
    ["i", "normal"],
    ["u=4", "low"],
    ["u=7;x=1", "low"],
    ["u=1, u=5", "low"],
    // What is no urgency is ignored, as RFC 9218 has it.
    ["u=8", "normal"],
    ["u=-1", "normal"],
    ["u=high", "normal"],
    ["high", "normal"],
    ["", "normal"],
    ["u=0, u=9", "normal"],
    [`${"x, ".repeat(100)}u=0`, "normal"],
  ])("of Priority: %s is %s", (urgency, expected) => {
    expect(classOf({ priority: urgency })).toBe(expected);
  });

  test.each(["high", "normal", "low"] as const)("named by our header is %s, whatever Priority says", (name) => {
    expect(classOf({ "x-warmpath-priority": name, priority: "u=7" })).toBe(name);
    expect(classOf({ "x-warmpath-priority": ` ${name.toUpperCase()} ` })).toBe(name);
  });

  test.each(["urgent", "", "1", "high, low"])("is refused where our header says '%s'", (name) => {
    expect(said({ headers: { "x-warmpath-priority": name } })).toMatchObject({ param: "x-warmpath-priority" });
  });

  test("is never above that of its key, and may be below", () => {
    const asked = ["high", "normal", "low"].map((name) => ({ "x-warmpath-priority": name }));
    const got = (most: LineAsked["priorityMax"]) => asked.map((headers) => classOf(headers, most));
    expect(got("high")).toEqual(["high", "normal", "low"]);
    expect(got("normal")).toEqual(["normal", "normal", "low"]);
    expect(got("low")).toEqual(["low", "low", "low"]);
    expect(classOf({}, "low")).toBe("low");
    expect(classOf({ priority: "u=0" }, "normal")).toBe("normal");
  });

  test("is one of the three for any Priority there can be, in a time that grows with its length alone", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii", maxLength: 400 }), (urgency) => {
        expect(["high", "normal", "low"]).toContain(classOf({ priority: urgency.trim() }));
      }),
    );
  });

  test("is not the body's priority, which is an engine's own", () => {
    expect(line({ json: { priority: -5 } }).priority).toBe("normal");
  });
});

describe("the sender", () => {
  test("is the tenant and its session, as hashes that name neither and are no other tenant's", () => {
    const acme = line({ headers: { "x-session-id": "s1" } }).sender;
    const other = line({ headers: { "x-session-id": "s1" }, tenant: "other" }).sender;
    expect(acme.tenant).toMatch(/^[0-9a-f]{16}$/);
    expect(acme.session).toMatch(/^[0-9a-f]{16}$/);
    expect([acme.tenant === other?.tenant, acme.session === other.session]).toEqual([false, false]);
    expect(line({ json: { user: "s1" } }).sender).toEqual(acme);
  });

  test("has no session where none is named", () => {
    expect(line().sender).toEqual({ tenant: line({ json: ["x"] }).sender.tenant });
  });
});

describe("how long the client waits", () => {
  const givesUpAfterMs = (headers: Readonly<Record<string, string>>) =>
    (line({ headers }).clientGivesUpAtMs ?? Number.NaN) - 1_000;

  test.each(["x-stainless-timeout", "x-stainless-read-timeout", "x-warmpath-timeout"])(
    "is what %s says, in seconds",
    (name) => {
      expect(givesUpAfterMs({ [name]: "5" })).toBe(5_000);
      expect(givesUpAfterMs({ [name]: "2.5" })).toBe(2_500);
    },
  );

  test("is what our own header says before what an SDK sends by itself", () => {
    expect(givesUpAfterMs({ "x-warmpath-timeout": "7", "x-stainless-timeout": "5" })).toBe(7_000);
  });

  test("is limits.clientTimeoutMsMax at most, and that itself is not beyond it", () => {
    expect(givesUpAfterMs({ "x-warmpath-timeout": String(CAP_MS / 1_000) })).toBe(CAP_MS);
    expect(givesUpAfterMs({ "x-warmpath-timeout": String(CAP_MS / 1_000 + 1) })).toBe(CAP_MS);
    expect(givesUpAfterMs({ "x-stainless-timeout": "86400" })).toBe(CAP_MS);
  });

  test.each(["0", "0.0", "-1", "soon", "1e9", String(TIMEOUT_S_MAX + 1), ""])(
    "is refused in words where our own header says '%s', also beside an SDK's",
    (seconds) => {
      const headers = { "x-warmpath-timeout": seconds, "x-stainless-timeout": "5" };
      expect(said({ headers })).toMatchObject({ reason: "invalid_request", param: "x-warmpath-timeout" });
    },
  );

  test("may be TIMEOUT_S_MAX", () => {
    expect(said({ headers: { "x-warmpath-timeout": String(TIMEOUT_S_MAX) } })).not.toHaveProperty("reason");
  });

  test.each(["0", "-1", "soon", "1e9", "9999999", ""])("is not known where they say '%s'", (seconds) => {
    expect(line({ headers: { "x-stainless-timeout": seconds } })).not.toHaveProperty("clientGivesUpAtMs");
  });
});
