import { describe, expect, test } from "vitest";
import * as headers from "../../src/wire/headers.ts";

describe("a request header", () => {
  test.each([
    ["accept", true],
    ["Content-Type", true],
    ["user-agent", true],
    ["openai-organization", false],
    ["openai-project", false],
    ["anthropic-version", true],
    ["x-stainless-retry-count", true],
    ["x-custom", true],
    ["traceparent", true],
    ["range", true],
    ["cdn-loop", true],
    ["sec-websocket-protocol", false],
    ["Authorization", false],
    ["x-api-key", false],
    ["api-key", false],
    ["Cookie", false],
    ["Connection", false],
    ["keep-alive", false],
    ["proxy-authorization", false],
    ["proxy-anything", false],
    ["TE", false],
    ["trailer", false],
    ["transfer-encoding", false],
    ["upgrade", false],
    ["host", false],
    ["expect", false],
    ["content-length", false],
    ["accept-encoding", false],
    ["x-forwarded-for", false],
    ["X-Forwarded-Host", false],
    ["x_forwarded_for", false],
    ["any_underscore", false],
    ["forwarded", false],
    ["x-real-ip", false],
    ["true-client-ip", false],
    ["cf-connecting-ip", false],
    ["CF-Ray", false],
    ["x-warmpath-hop", false],
    ["X-Warmpath-Place", false],
    ["x-warmpath-endpoint", false],
    ["x-http-method-override", false],
    ["X-HTTP-Method", false],
    ["x-original-uri", false],
    ["x-original-method", false],
    ["x-envoy-original-path", false],
    ["x-forwarded", false],
    ["x-host", false],
    ["origin", false],
    ["referer", false],
    ["sec-fetch-mode", false],
    ["sec-websocket-key", false],
    ["x-runpod-worker-id", false],
    ["x-request-id", false],
  ])("%s crosses: %s", (name, crosses) => {
    const expected = crosses ? { [name.toLowerCase()]: "v" } : {};
    expect(headers.forwardableRequestHeaders([[name, "v"]])).toEqual(expected);
  });
});

describe("a response header", () => {
  test.each([
    ["Content-Type", true],
    ["content-encoding", true],
    ["cache-control", true],
    ["retry-after", true],
    ["x-ratelimit-remaining-tokens", true],
    ["x-runpod-worker-id", true],
    ["openai-processing-ms", true],
    ["connection", false],
    ["transfer-encoding", false],
    ["content-length", false],
    ["set-cookie", false],
    ["location", false],
    ["www-authenticate", false],
    ["authorization", false],
    ["x-api-key", false],
    ["api-key", false],
    ["server", false],
    ["x-powered-by", false],
    ["strict-transport-security", false],
    ["access-control-allow-origin", false],
    ["x-warmpath-region", false],
    ["server-timing", false],
    ["x-request-id", false],
    ["request-id", false],
    ["cf-ray", false],
    ["odd_name", false],
  ])("%s crosses: %s", (name, crosses) => {
    const expected = crosses ? { [name.toLowerCase()]: "v" } : {};
    expect(headers.forwardableResponseHeaders([[name, "v"]])).toEqual(expected);
  });
});

test("what Connection lists does not cross, in any case, from any of its lines", () => {
  const entries = new Headers({ connection: "keep-alive, X-Secret", "x-secret": "1", "x-other": "2", "x-kept": "3" });
  const all: headers.HeaderEntry[] = [...entries, ["Connection", "x-OTHER"]];
  expect(headers.forwardableRequestHeaders(all)).toEqual({ "x-kept": "3" });
  expect(headers.forwardableResponseHeaders(all)).toEqual({ "x-kept": "3" });
});

test("browsers may read every header that explains a decision", () => {
  const ours = [headers.ENDPOINT, headers.REGION, headers.REASON, headers.ATTEMPTS, headers.OVERHEAD_MS];
  expect(headers.EXPOSED_HEADERS).toEqual(
    expect.arrayContaining([...ours, "x-request-id", "request-id", "server-timing"]),
  );
});

describe("traceparent", () => {
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const parentId = "b7ad6b7169203331";
  test.each([
    [`00-${traceId}-${parentId}-01`, { traceId, parentId, sampled: true }],
    [`00-${traceId}-${parentId}-00`, { traceId, parentId, sampled: false }],
    [`00-${traceId}-${parentId}-03`, { traceId, parentId, sampled: true }],
    [`01-${traceId}-${parentId}-01-more`, { traceId, parentId, sampled: true }],
    [`00-${traceId}-${parentId}-01-more`, null],
    [`ff-${traceId}-${parentId}-01`, null],
    [`00-${"0".repeat(32)}-${parentId}-01`, null],
    [`00-${traceId}-${"0".repeat(16)}-01`, null],
    [`00-${traceId.toUpperCase()}-${parentId}-01`, null],
    [`00-${traceId}-${parentId}`, null],
    ["", null],
    [null, null],
  ])("%s", (value, expected) => {
    expect(headers.parseTraceparent(value)).toEqual(expected);
  });

  test("of our dispatch keeps the trace and the decision to sample", () => {
    const spanId = "00f067aa0ba902b7";
    expect(headers.childTraceparent({ traceId, sampled: true }, spanId)).toBe(`00-${traceId}-${spanId}-01`);
    expect(headers.childTraceparent({ traceId, sampled: false }, spanId)).toBe(`00-${traceId}-${spanId}-00`);
  });
});

describe("the development place", () => {
  const regions = new Map([["us-east", { lat: 39, lon: -77.5, hint: "enam" }]]);
  test.each([
    ["us-east", { lat: 39, lon: -77.5 }],
    [" us-east ", { lat: 39, lon: -77.5 }],
    ["48.9,2.35", { lat: 48.9, lon: 2.35 }],
    ["-90 , 180", { lat: -90, lon: 180 }],
    ["90.1,0", null],
    ["0,180.5", null],
    ["1,2,3", null],
    ["1e1,2", null],
    ["mars", null],
    ["__proto__", null],
    ["", null],
  ])("%s", (value, expected) => {
    expect(headers.parsePlace(value, regions)).toEqual(expected);
  });
});

describe("the headers of one request", () => {
  const { REQUEST_HEADERS_MAX, REQUEST_HEADER_BYTES_MAX } = headers;
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`x-${at}`, "v"]));

  test("may be as many as the bound, and no more", () => {
    expect(headers.headersBeyond(many(REQUEST_HEADERS_MAX))).toBeNull();
    expect(headers.headersBeyond(many(REQUEST_HEADERS_MAX + 1))).toBe("REQUEST_HEADERS_MAX (100)");
  });

  test("may be as long as the bound together, and no longer", () => {
    const long = (bytes: number) => ({ accept: "a/b", "x-a": "v".repeat(bytes - "accept".length - "a/b".length - 3) });
    expect(headers.headersBeyond(long(REQUEST_HEADER_BYTES_MAX))).toBeNull();
    expect(headers.headersBeyond(long(REQUEST_HEADER_BYTES_MAX + 1))).toBe("REQUEST_HEADER_BYTES_MAX (32768)");
  });
});
