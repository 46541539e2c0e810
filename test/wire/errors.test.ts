import { describe, expect, test } from "vitest";
import { DETAIL_CHARS_MAX, errorBody, errorHeaders, midStreamError } from "../../src/wire/error-body.ts";
import { type ErrorReason, ERRORS } from "../../src/wire/errors.ts";

const reasons = Object.keys(ERRORS) as ErrorReason[];
const retryStatuses = [429, 503, 507];

describe.each(reasons)("the error %s", (reason) => {
  const { status, code, message, title, retryable, isPolicy, type } = ERRORS[reason];

  test("has a status that says whose fault it is", () => {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    // SDKs retry each 5xx and each 409: a decision about the request must be neither.
    if (isPolicy) expect(status).toBeLessThan(500);
    expect(status).not.toBe(409);
    if (type === "invalid_request_error" || type === "not_found_error") expect(retryable).toBe(false);
  });

  test("says what to do, in words that no client takes for the end of its credit", () => {
    expect(message).toMatch(/^[A-Z].*[^ ]$/);
    expect(message.length).toBeLessThanOrEqual(200);
    // The one that is meant to be taken for it.
    if (reason !== "insufficient_quota")
      expect(`${code} ${title} ${message}`).not.toMatch(/quota|billing|credit balance|will reset at/i);
    expect(code).toMatch(/^[a-z_]+$/);
  });

  test("has headers that SDKs obey", () => {
    const headers = new Map(errorHeaders(reason));
    expect(headers.get("content-type")).toBe("application/json");
    expect(headers.get("x-should-retry")).toBe(retryable ? undefined : "false");
    expect(headers.has("retry-after")).toBe(retryStatuses.includes(status));
    expect(headers.has("retry-after-ms")).toBe(retryStatuses.includes(status));
    expect(headers.has("www-authenticate")).toBe(status === 401);
  });

  test("has a body that OpenAI's SDKs and RFC 9457 both read", () => {
    expect(errorBody(reason, { requestId: "r 1" })).toEqual({
      type: `urn:warmpath:error:${code}`,
      title,
      status,
      detail: message,
      instance: "urn:warmpath:request:r%201",
      ...(retryStatuses.includes(status) ? { retryAfterMs: expect.any(Number) } : {}),
      error: { message, type, param: null, code },
    });
  });
});

test("codes are unique", () => {
  expect(new Set(reasons.map((reason) => ERRORS[reason].code)).size).toBe(reasons.length);
});

describe("Retry-After", () => {
  test.each([
    [undefined, "1", "1000"],
    [Number.NaN, "1", "1000"],
    [-5, "1", "1"],
    [0, "1", "1"],
    [150, "1", "150"],
    [1000, "1", "1000"],
    [1000.2, "2", "1001"],
    [59_001, "60", "59001"],
    [60_000, "60", "60000"],
    [60_001, "60", "60000"],
    [Number.POSITIVE_INFINITY, "60", "60000"],
  ])("of %s ms is %s s and %s ms", (retryAfterMs, seconds, ms) => {
    const headers = new Map(errorHeaders("saturated", retryAfterMs));
    expect([headers.get("retry-after"), headers.get("retry-after-ms")]).toEqual([seconds, ms]);
    const options = retryAfterMs === undefined ? { requestId: "r" } : { requestId: "r", retryAfterMs };
    expect(errorBody("saturated", options).retryAfterMs).toBe(Number(ms));
  });

  test("is the longest where a retry cannot help", () => {
    expect(new Map(errorHeaders("misconfigured", 5)).get("retry-after")).toBe("60");
  });
});

test("a detail replaces the message, within its bound and without control characters", () => {
  const { detail, error } = errorBody("invalid_request", {
    detail: "model is\n\trequired.",
    param: "model",
    requestId: "r",
  });
  expect([detail, error.message, error.param]).toEqual(["model is required.", "model is required.", "model"]);
  const long = errorBody("invalid_request", { detail: "x".repeat(DETAIL_CHARS_MAX + 1), requestId: "r" });
  expect(long.detail).toHaveLength(DETAIL_CHARS_MAX);
  expect(errorBody("internal", { detail: "", requestId: "r" }).detail).toBe(ERRORS.internal.message);
});

test("a broken stream ends with an unnamed error event and then the end mark", () => {
  const events = midStreamError("upstream_cut").split("\n\n");
  expect(events).toEqual(["", expect.stringMatching(/^data: \{/), "data: [DONE]", ""]);
  expect(JSON.parse(events[1]?.slice("data: ".length) ?? "")).toEqual({
    error: { message: ERRORS.upstream_cut.message, type: "api_error", param: null, code: "upstream_cut" },
  });
  expect(midStreamError("upstream_cut", "a\n\ndata: b")).not.toContain("\n\ndata: b");
});
