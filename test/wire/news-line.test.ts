import { expect, test } from "vitest";
import type { LastFailure } from "../../src/routing/core/shard/news.ts";
import { newsLine, shownFailure } from "../../src/wire/news-line.ts";
import type { NewsPlace } from "../../src/wire/news-line.ts";

const place: NewsPlace = {
  pool: "llama",
  region: "us",
  auth: { secret: "GPU_KEY" },
  healthAuth: { secret: "HEALTH_KEY" },
  credentials: ["hunter22"],
};
const failure: LastFailure = {
  status: 500,
  text: "CUDA out of memory",
  kind: "failed",
  atMs: 1_000,
  count: 2,
  requestId: "req_1",
};

test("a failure is one line of JSON that says where, how and what", () => {
  const line = newsLine({ event: "endpoint_failed", endpointId: "e1", failure, times: 3 }, place, 1_500);
  expect(line).not.toContain("\n");
  expect(JSON.parse(line)).toEqual({
    event: "endpoint_failed",
    pool: "llama",
    region: "us",
    endpoint: "e1",
    kind: "failed",
    status: 500,
    text: "CUDA out of memory",
    atMs: 1_000,
    ageMs: 500,
    count: 2,
    requestId: "req_1",
    times: 3,
  });
});

test("a change of standing is one that says from what to what, and what failed last", () => {
  const change = { event: "endpoint_standing", endpointId: "e1", from: "admitting", to: "ejected" } as const;
  expect(JSON.parse(newsLine({ ...change, failure }, place, 1_000))).toMatchObject({
    from: "admitting",
    to: "ejected",
    lastFailure: { status: 500, text: "CUDA out of memory", ageMs: 0 },
  });
  expect(JSON.parse(newsLine({ ...change, failure: null }, place, 1_000))).toMatchObject({ lastFailure: null });
});

test.each([401, 403])("a refused credential (%i) names the secret to check, and never the credential", (status) => {
  const shown = shownFailure({ ...failure, status, text: "bad key hunter22" }, place, 1_000);
  expect(shown.hint).toBe("The endpoint refuses our credential: check the secret GPU_KEY.");
  expect(shown.text).toBe("bad key [REDACTED:credential]");
  // A health check may have one of its own.
  expect(shownFailure({ ...failure, status, kind: "probe" }, place, 1_000).hint).toMatch(/the secret HEALTH_KEY\.$/);
});

test("an endpoint that wants a credential and gets none is told apart", () => {
  const shown = shownFailure({ ...failure, status: 401 }, { ...place, auth: null, credentials: [] }, 1_000);
  expect(shown.hint).toBe("The endpoint wants a credential, and its `auth` in the config names none.");
});
