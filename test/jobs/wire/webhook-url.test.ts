import { describe, expect, test } from "vitest";
import { readJobOptions, WEBHOOK } from "../../../src/jobs/wire/jobs-options.ts";
import { readBatchRequests, readRunRequest } from "../../../src/jobs/wire/jobs-runpod.ts";
import { WEBHOOK_URL_CHARS_MAX } from "../../../src/wire/webhook-target.ts";

const longUrl = (chars: number): string => "https://example.com/".padEnd(chars, "x");

describe("a webhook's URL, when its job is submitted", () => {
  type Case = readonly [url: unknown, inProduction: boolean, inDevelopment: boolean];
  const cases: readonly Case[] = [
    ["https://example.com/hook", true, true],
    ["", true, true],
    [null, true, true],
    [longUrl(WEBHOOK_URL_CHARS_MAX), true, true],
    [longUrl(WEBHOOK_URL_CHARS_MAX + 1), false, false],
    ["nonsense", false, false],
    [7, false, false],
    ["ftp://example.com/", false, false],
    ["https://user:pw@example.com/", false, false],
    ["http://example.com/", false, true],
    ["https://127.0.0.1/", false, true],
    ["https://169.254.169.254/latest", false, true],
    ["https://db.internal/", false, true],
  ];

  test.each(cases)("%s: in production %s, in development %s", (webhook, inProduction, inDevelopment) => {
    const isTaken = (mayBeLocal: boolean): boolean => readRunRequest({ input: 1, webhook }, mayBeLocal).ok;
    expect([isTaken(false), isTaken(true)]).toEqual([inProduction, inDevelopment]);
    expect(readBatchRequests([{ input: 1, webhook }], false).ok).toBe(inProduction);
    if (typeof webhook !== "string") return;
    expect(readJobOptions(new Headers({ [WEBHOOK]: webhook }), 0, false).ok).toBe(inProduction);
  });

  test("that is refused is told why, by the name of its field", () => {
    expect(readRunRequest({ input: 1, webhook: "https://10.0.0.1/" }, false)).toEqual({
      ok: false,
      error: { param: "webhook", problem: "webhook must name a public host: private networks are not called." },
    });
    expect(readJobOptions(new Headers({ [WEBHOOK]: "https://10.0.0.1/" }), 0, false)).toMatchObject({
      error: { param: WEBHOOK, problem: `${WEBHOOK} must name a public host: private networks are not called.` },
    });
  });
});
