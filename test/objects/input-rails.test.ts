import { describe, expect, test } from "vitest";
import { RailsSchema } from "../../src/config/rails-schema.ts";
import { resolveRails } from "../../src/config/rails-resolve.ts";
import { ALL_READ } from "../../src/rails/core/rail.ts";
import { beginCheck } from "../../src/rails/input-rails.ts";
import type { InputRequest } from "../../src/rails/check.ts";

const SECRET = "AKIAQ4F5BNZSWAIK7GLP";
const CHARS_MAX = 1_000;
const size = { use: "size", options: { charsMax: CHARS_MAX } };

/** Of a pool with these rails, about a body with one text. */
async function check(input: readonly unknown[], text: string, more: Partial<InputRequest> = {}) {
  const pool = { config: { id: "main", rails: resolveRails(RailsSchema.parse({ input })) } };
  const body = { messages: [{ role: "user", content: text }] };
  const request: InputRequest = {
    requestId: "req_1",
    tenant: "acme",
    body,
    hasBody: true,
    bodyBytesMax: JSON.stringify(body).length,
    unread: () => ALL_READ,
    everyMember: false,
    beside: [],
    clientGone: new AbortController().signal,
    ...more,
  };
  const begun = await beginCheck({ env: {} } as never, pool as never, request);
  if (begun === null) throw new Error("the pool's rails cannot run");
  return begun.inside;
}

const said = ({ records }: Awaited<ReturnType<typeof check>>) =>
  Object.fromEntries(records.map(({ rail, verdict, status }) => [rail, status === "done" ? verdict : status]));

/** No other text of the body is looked at once this is asked. */
const unreadNever = (): never => {
  throw new Error("the body was walked");
};

describe("a body that size refuses", () => {
  const beyond = SECRET.padEnd(CHARS_MAX + 1, " x");

  test.each([
    { name: "with the default rails", rails: ["secrets", size] },
    { name: "with all others before it", rails: ["injection", "pii", "secrets", "unicode", "links", size] },
    { name: "with a rail that asks outside", rails: [{ use: "webhook", options: { url: "https://a.example" } }, size] },
  ])("is refused before anything walks its texts, $name", async ({ rails }) => {
    const checked = await check(rails, beyond, { unread: unreadNever });
    expect(checked.verdict).toMatchObject({ verdict: "block", blockedBy: ["size"], reasons: ["size:chars"] });
    expect(new Set(Object.values(said(checked)))).toEqual(new Set(["block", "skipped"]));
  });

  test("at the bound is read by all", async () => {
    const checked = await check(["secrets", size], SECRET.padEnd(CHARS_MAX, " x"));
    expect(said(checked)).toEqual({ secrets: "redact", size: "allow" });
  });

  test("is read by all where size does not act", async () => {
    expect(said(await check(["secrets", { ...size, shadow: true }], beyond))).toEqual({
      secrets: "redact",
      size: "block",
    });
    expect(said(await check(["secrets", { ...size, action: "flag" }], beyond))).toEqual({
      secrets: "redact",
      size: "flag",
    });
  });

  test("that is known only after the full walk, is not read for credentials either", async () => {
    const checked = await check(["secrets", size], "short", {
      unread: () => ({ reasons: ["not_json"], bytes: CHARS_MAX }),
    });
    expect(said(checked)).toEqual({ secrets: "skipped", size: "block" });
  });
});
