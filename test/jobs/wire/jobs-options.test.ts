import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KEY_CHARS_MAX } from "../../../src/jobs/core/idempotency.ts";
import { TAGS_MAX } from "../../../src/jobs/core/job.ts";
import { HOOK_TOKEN_CHARS_MAX, signHook, verifyHook } from "../../../src/jobs/wire/jobs-hook.ts";
import { isJobId, jobName, JOB_ID_CHARS_MAX, parseJobName, nativeJobId } from "../../../src/jobs/wire/jobs-ids.ts";
import { POLICY_RANGES } from "../../../src/jobs/core/policy.ts";
import { readJobOptions } from "../../../src/jobs/wire/jobs-options.ts";
import { readRunRequest } from "../../../src/jobs/wire/jobs-runpod.ts";
import { parsePrefer, PREFER_WAIT_MS_MAX, preferenceApplied } from "../../../src/jobs/wire/jobs-prefer.ts";
import { ROUTE_CHARS_MAX, workOf } from "../../../src/jobs/wire/jobs-work.ts";

const NOW = Date.parse("2027-01-01T00:00:00Z");
const read = (headers: Readonly<Record<string, string>>) => readJobOptions(new Headers(headers), NOW);

describe("Prefer", () => {
  test.each([
    [null, false, null],
    ["", false, null],
    ["respond-async", true, null],
    ["Respond-Async, wait=10", true, 10_000],
    ["wait=10", false, 10_000],
    ["return=minimal; foo, respond-async;x=y, wait = 5", true, 5_000],
    ['respond-async, wait="7"', true, 7_000],
    ["respond-async, wait=soon", true, null],
    ["respond-async, wait=1, wait=9", true, 1_000],
    ["xrespond-async", false, null],
    [`wait=${PREFER_WAIT_MS_MAX / 1_000 + 1}`, false, PREFER_WAIT_MS_MAX],
  ])("%j", (value, isAsync, waitMs) => {
    expect(parsePrefer(value)).toEqual({ isAsync, waitMs });
  });

  test("what was applied is said in whole seconds", () => {
    expect(preferenceApplied({ isAsync: true, waitMs: 5_000 })).toBe("respond-async, wait=5");
  });

  test("nothing that a client sends makes it throw", () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parsePrefer(text).isAsync === "boolean"));
  });
});

describe("options by headers", () => {
  test("without any everything is the default", () => {
    expect(read({})).toEqual({
      ok: true,
      value: {
        priority: null,
        startWithinMs: null,
        executionTimeoutMs: null,
        ttlMs: null,
        noRetry: false,
        notBeforeMs: null,
        tags: {},
        webhook: null,
        idempotencyKey: null,
      },
    });
  });

  test.each([
    ["x-warmpath-priority", "low", { priority: 9 }],
    ["x-warmpath-priority", " High ", { priority: 2 }],
    ["x-warmpath-priority", "0", { priority: 0 }],
    ["x-warmpath-start-timeout", "1", { startWithinMs: 1_000 }],
    ["x-warmpath-run-timeout", "7.5", { executionTimeoutMs: 7_500 }],
    ["x-warmpath-ttl", "604800", { ttlMs: 604_800_000 }],
    ["x-warmpath-no-retry", "1", { noRetry: true }],
    ["x-warmpath-no-retry", "no", { noRetry: false }],
    ["x-warmpath-start-at", "2027-01-01T01:00:00+00:00", { notBeforeMs: NOW + 3_600_000 }],
    ["x-warmpath-start-at", String(NOW / 1_000 + 60), { notBeforeMs: NOW + 60_000 }],
    ["x-warmpath-start-at", "2020-01-01T00:00:00Z", { notBeforeMs: null }],
    ["x-warmpath-tags", "a=1, b = x y ,c=", { tags: { a: "1", b: "x y", c: "" } }],
    ["idempotency-key", '"8e03978e"', { idempotencyKey: "8e03978e" }],
    ["idempotency-key", "k".repeat(KEY_CHARS_MAX), { idempotencyKey: "k".repeat(KEY_CHARS_MAX) }],
  ])("%s: %s", (name, value, expected) => {
    expect(read({ [name]: value })).toMatchObject({ ok: true, value: expected });
  });

  test.each([
    ["x-warmpath-priority", "10"],
    ["x-warmpath-priority", "soon"],
    ["x-warmpath-start-timeout", "0.9"],
    ["x-warmpath-run-timeout", "4.999"],
    ["x-warmpath-ttl", "604801"],
    ["x-warmpath-ttl", "1e3"],
    ["x-warmpath-start-at", "tomorrow"],
    ["x-warmpath-start-at", "2027-01-01T01:00:00"],
    ["x-warmpath-start-at", "2027-01-08T00:00:01Z"],
    ["x-warmpath-tags", "alone"],
    ["x-warmpath-tags", `a=${"x".repeat(63)}`],
    ["x-warmpath-tags", Array.from({ length: TAGS_MAX + 1 }, (_, index) => `t${index}=1`).join(",")],
    ["x-warmpath-webhook", "file:///etc/passwd"],
    ["idempotency-key", "two words"],
    ["idempotency-key", "k".repeat(KEY_CHARS_MAX + 1)],
  ])("%s: %s is refused by name", (name, value) => {
    expect(read({ [name]: value })).toMatchObject({ ok: false, error: { param: name } });
  });

  test.each([
    ["x-warmpath-start-timeout", "startWithinMs"],
    ["x-warmpath-run-timeout", "executionTimeoutMs"],
    ["x-warmpath-ttl", "ttlMs"],
  ] as const)("%s is taken at its ends and refused beyond", (name, field) => {
    const { min, max } = POLICY_RANGES[field];
    const isTaken = (ms: number): boolean => read({ [name]: (ms / 1_000).toFixed(3) }).ok;
    expect([min, max].map(isTaken)).toEqual([true, true]);
    expect([min - 1, max + 1].map(isTaken)).toEqual([false, false]);
  });

  test.each([
    ["executionTimeout", "executionTimeoutMs"],
    ["ttl", "ttlMs"],
  ] as const)(
    "Runpod's policy.%s is taken at its ends and refused beyond, or where it is no whole number",
    (name, field) => {
      const { min, max } = POLICY_RANGES[field];
      const isTaken = (ms: number): boolean => readRunRequest({ input: {}, policy: { [name]: ms } }).ok;
      expect([min, max].map(isTaken)).toEqual([true, true]);
      expect([min - 1, max + 1, min + 0.5, Number.NaN].map(isTaken)).toEqual([false, false, false, false]);
    },
  );

  test("events of a webhook are words", () => {
    const url = "https://example.com/h";
    expect(read({ "x-warmpath-webhook": url, "x-warmpath-webhook-events": "Job Done" })).toMatchObject({
      ok: false,
      error: { param: "x-warmpath-webhook-events" },
    });
  });
});

describe("names of jobs", () => {
  test("a name is read back as the id and the pool it was made of", () => {
    const id = nativeJobId("0b0c2f2e-5f0a-4a6c-9d61-7f6f0f4a7a11");
    expect(parseJobName(jobName(id, "llama-3.1-8b"))).toEqual({ jobId: id, poolId: "llama-3.1-8b" });
  });

  test.each(["", "~", "~main", "a b~main", "job", "-x~main", `${"a".repeat(JOB_ID_CHARS_MAX + 1)}~main`])(
    "%j is no name",
    (text) => {
      expect(parseJobName(text)).toBeNull();
    },
  );

  test("an id has at most its bound", () => {
    expect(isJobId("a".repeat(JOB_ID_CHARS_MAX))).toBe(true);
    expect(isJobId("a".repeat(JOB_ID_CHARS_MAX + 1))).toBe(false);
  });
});

describe("the route of an input", () => {
  const route = (path: unknown) => workOf({ openai_route: path, openai_input: {} }, { model: "m", jobPath: null }).ok;

  test.each([
    ["/v1/x?y=1", true],
    [`/${"a".repeat(ROUTE_CHARS_MAX - 1)}`, true],
    [`/${"a".repeat(ROUTE_CHARS_MAX)}`, false],
    ["v1/x", false],
    ["//host/x", false],
    ["/v1/../x", false],
    ["/v1/%2e%2e/x", false],
    ["/v1\\..\\x", false],
    ["/v1%2fx", false],
    ["/a#b", false],
    ["http://host/x", false],
    ["/a b", false],
    ["/a\r\nx: y", false],
    [7, false],
  ])("%j may be called: %s", (path, good) => {
    expect(route(path)).toBe(good);
  });

  test("no input makes the reading throw", () => {
    const context = { model: "m", jobPath: null };
    fc.assert(fc.property(fc.jsonValue(), (input) => typeof workOf(input, context).ok === "boolean"));
  });
});

describe("a hook's token", () => {
  const claims = { id: "h1", tenant: "acme", poolId: "main", expiresAtMs: 2_000 };

  test("is good until its instant, under its own pepper only", async () => {
    const token = await signHook(claims, "pepper");
    expect(await verifyHook(token, "pepper", 1_999)).toEqual(claims);
    expect(await verifyHook(token, "pepper", 2_000)).toBeNull();
    expect(await verifyHook(token, "other", 0)).toBeNull();
    expect(await verifyHook(token, "", 0)).toBeNull();
  });

  test("another tenant's claims under the same signature are refused, and so is what is too long", async () => {
    const [, mac] = (await signHook(claims, "pepper")).split(".");
    const forged = btoa(JSON.stringify({ ...claims, tenant: "evil" })).replaceAll("=", "");
    expect(await verifyHook(`${forged}.${mac}`, "pepper", 0)).toBeNull();
    expect(await verifyHook("a".repeat(HOOK_TOKEN_CHARS_MAX + 1), "pepper", 0)).toBeNull();
  });
});
