import { expect, test } from "vitest";
import type { HeaderRecord } from "../../src/wire/headers.ts";
import { addLimitHeaders } from "../../src/wire/limit-headers.ts";

test("limits are told as OpenAI's clients read them, and as the IETF's draft writes them", () => {
  const headers: HeaderRecord = {};
  addLimitHeaders(headers, {
    requests: { limit: 100, left: 50, resetMs: 60_250 },
    tokens: { limit: 4_000, left: 0, resetMs: 850.2 },
  });
  expect(headers).toEqual({
    "x-ratelimit-limit-requests": "100",
    "x-ratelimit-remaining-requests": "50",
    "x-ratelimit-reset-requests": "1m1s",
    "x-ratelimit-limit-tokens": "4000",
    "x-ratelimit-remaining-tokens": "0",
    "x-ratelimit-reset-tokens": "851ms",
    "ratelimit-policy": '"requests";q=100;w=60, "tokens";q=4000;w=60;qu="tokens"',
    ratelimit: '"requests";r=50;t=61, "tokens";r=0;t=1',
  });
});

test("without a limit nothing is told", () => {
  const headers: HeaderRecord = {};
  addLimitHeaders(headers, {});
  expect(headers).toEqual({});
});
