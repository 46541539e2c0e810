/** Guardrails before the endpoint: what it gets to see, and what is refused without it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { openaiOf } from "../support/openai.ts";

const CHARS_MAX = 2_000;
/** Made up, and put together here so that no scanner takes this file for a leak. */
const SECRETS = [
  ["openai_key", `sk-${"proj"}-${"a8Kq2LmZ9xTb4VnR7cWd"}${"Yf3Gh6Jk1Ps5Ru0EiOoA"}${"x7B"}`],
  ["aws_access_key_id", `AKIA${"Q3EGVZ7NUWDKJ4TS"}`],
  ["github_token", `ghp_${"R7bN2kQ9xW4mT1vZ8cL5"}${"pD3fH6jS0aYg"}${"K2eU"}`],
] as const;

let fleet: Fleet;
beforeAll(async () => {
  const rails = (secretsAction: string) => ({
    input: [
      { use: "size", options: { charsMax: CHARS_MAX, messagesMax: 3 } },
      { use: "secrets", action: secretsAction },
    ],
  });
  const simulator = { engine: ENGINE_PRESETS.fast };
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east", simulator }],
    pool: { rails: rails("redact"), patienceMs: 5_000 },
    morePools: {
      strict: {
        paths: ["*"],
        endpoints: [{ id: "none", region: "us-east", backend: "openai", url: "http://127.0.0.1:9" }],
        rails: rails("block"),
      },
      boundless: {
        paths: ["*"],
        endpoints: [{ id: "no-size", region: "us-east", backend: "openai", url: "http://127.0.0.1:9" }],
        rails: { input: ["secrets"] },
      },
    },
  });
});
afterAll(() => fleet.close());

/** The body as the endpoint got it. */
async function seenBody(body: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await fleet.call("/p/main/echo", { method: "POST", body, headers });
  const { bodyBase64 } = (await response.json()) as { bodyBase64: string };
  return Buffer.from(bodyBase64, "base64").toString();
}

describe("secrets are redacted before the endpoint sees them", () => {
  test.each(SECRETS)("%s", async (type, secret) => {
    const before = `deploy with ${secret}, please`;
    const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: before }] });
    const seen = await seenBody(body);
    expect(seen).toBe(body.replace(secret, `[REDACTED:${type}]`));
  });

  test.each([
    ["a tool's result", (secret: string) => ({ messages: [{ role: "tool", content: secret }] })],
    ["one of several parts", (secret: string) => ({ messages: [{ content: [{ type: "text", text: secret }] }] })],
    ["a prompt", (secret: string) => ({ prompt: secret })],
    ["an embedding's input", (secret: string) => ({ input: ["x", secret] })],
    ["a tool's definition", (secret: string) => ({ tools: [{ function: { description: secret } }] })],
    ["a member of a message that nobody knows", (secret: string) => ({ messages: [{ note: { deep: [secret] } }] })],
  ])("also in %s", async (_, bodyWith) => {
    const [type, secret] = SECRETS[2];
    const body = JSON.stringify({ model: "m", ...bodyWith(secret) });
    expect(await seenBody(body)).toBe(body.replace(secret, `[REDACTED:${type}]`));
  });

  test("whatever the content type says", async () => {
    const [type, secret] = SECRETS[1];
    const body = JSON.stringify({ prompt: secret });
    expect(await seenBody(body, { "content-type": "text/plain" })).toBe(body.replace(secret, `[REDACTED:${type}]`));
  });

  test("and nothing else in the JSON changes: numbers keep their digits, members their order", async () => {
    const [type, secret] = SECRETS[0];
    const body = `{"zz":1.0,"seed":9007199254740993,"big":1e400,"small":-0,"a":[null,true,{}],"__proto__":{"x":[]},"2":"é😀\\n","1":"","prompt":"${secret}"}`;
    const seen = await seenBody(body);
    // Only members whose names are whole numbers move: an object of JavaScript has no other order for them.
    const expected = body.replace(secret, `[REDACTED:${type}]`);
    expect([...seen].sort()).toEqual([...expected].sort());
    for (const member of ['"zz":1.0', '"seed":9007199254740993', '"big":1e400', '"small":-0', '"__proto__":{"x":[]}']) {
      expect(seen).toContain(member);
    }
    expect(JSON.parse(seen)).toEqual(JSON.parse(expected));
  });

  test("the openai package gets its answer as if nothing had happened", async () => {
    const content = `my key is ${SECRETS[0][1]}`;
    const request = { model: fleet.model, max_tokens: 3, messages: [{ role: "user" as const, content }] };
    expect((await openaiOf(fleet).chat.completions.create(request)).choices[0]?.finish_reason).toBe("length");
  });
});

test("a body that is nested too deep to be written again is refused, and its lease goes home", async () => {
  const nested = "[".repeat(50_000) + "]".repeat(50_000);
  const body = `{"model":"test-model","prompt":"${SECRETS[0][1]}","metadata":${nested}}`;
  const response = await fleet.call("/p/boundless/v1/completions", { method: "POST", body });
  expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("nested too deep")]);
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
});

describe("a request that a rail refuses", () => {
  const refused = async (path: string, body: unknown) => {
    const { requests } = fleet.simulator("us-a").stats;
    const response = await fleet.call(path, { method: "POST", body: JSON.stringify(body) });
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect(fleet.simulator("us-a").stats.requests).toBe(requests);
    expect(response.headers.get("x-should-retry")).toBe("false");
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
    return { status: response.status, ...error };
  };

  test("for too much text is 413 and says so", async () => {
    const messages = [{ role: "user", content: "x".repeat(CHARS_MAX + 1) }];
    expect(await refused("/v1/chat/completions", { model: fleet.model, messages })).toMatchObject({
      status: 413,
      code: "body_too_large",
      message: expect.stringMatching(/more than 2000 characters of text .* Send a shorter one/),
    });
  });

  test("for too many messages as well", async () => {
    const messages = Array.from({ length: 4 }, () => ({ role: "user", content: "x" }));
    expect(await refused("/v1/chat/completions", { model: fleet.model, messages })).toMatchObject({ status: 413 });
  });

  test("at the bound is served", async () => {
    const response = await fleet.chat({ content: "x".repeat(CHARS_MAX) });
    expect(response.status).toBe(200);
  });

  test("for a secret is 400, names the rail, and does not repeat the secret", async () => {
    const [, secret] = SECRETS[0];
    const answer = await refused("/p/strict/anything", { prompt: secret });
    expect(answer).toMatchObject({ status: 400, code: "blocked_by_guardrail" });
    expect(answer.message).toMatch(/"secrets" refused this request. Change its content/);
    expect(JSON.stringify(answer)).not.toContain(secret.slice(8, 20));
  });
});
