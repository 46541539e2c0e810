import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config-parse.ts";

// By a name that the type checker does not follow: what it imports has the types of the Workers runtime.
const path = "../../src/gateway/error-form.ts";
const { errorFormOf } = (await import(/* @vite-ignore */ new URL(path, import.meta.url).href)) as {
  errorFormOf: (path: string, config: unknown) => string;
};

const parsed = parseConfig(
  JSON.stringify({
    regions: { us: { lat: 39, lon: -77.5, hint: "enam" } },
    keys: [{ id: "a", tenant: "tests", hmac: "0".repeat(64) }],
    routes: [
      { path: "/claude", pool: "main", upstreamPath: "/v1/messages" },
      { path: "/anthropic/v1/messages", pool: "main", upstreamPath: "/v1/chat/completions" },
    ],
    pools: { main: { endpoints: [{ id: "a", region: "us", backend: "openai", url: "https://a.example.com" }] } },
  }),
);
if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
const config = parsed.value;

describe("a refusal is told in the form", () => {
  test.each([
    ["/p/main/v1/messages", "anthropic"],
    ["/p/main/v1/messages/", "anthropic"],
    ["/p/main/messages", "anthropic"],
    ["/p/main/v1/messages/count_tokens", "anthropic"],
    ["/p/nobody/v1/messages", "anthropic"],
    ["/claude", "anthropic"],
    ["/claude/", "anthropic"],
    ["/v2", "runpod"],
    ["/v2/main/run", "runpod"],
    ["/v2/main/status/openai", "runpod"],
    ["/v2/main/openaikin", "runpod"],
    ["/v2/main/openai", "openai"],
    ["/v2/main/openai/v1/chat/completions", "openai"],
    ["/p/main/v1/chat/completions", "openai"],
    ["/p/main/v1/messages/batches", "openai"],
    // The path at the endpoint decides, not the name of the route.
    ["/anthropic/v1/messages", "openai"],
    ["/v1/messages", "anthropic"],
    ["/v1/messages/count_tokens", "anthropic"],
    ["/v1/responses", "openai"],
    ["/v22", "openai"],
    ["/v1/chat/completions", "openai"],
    ["/v1/jobs/job_1", "openai"],
    ["/", "openai"],
    ["", "openai"],
  ])("of %s's clients: %s", (asked, form) => {
    expect(errorFormOf(asked, config)).toBe(form);
  });

  test("that the path alone tells, where there is no config", () => {
    expect(errorFormOf("/claude", null)).toBe("openai");
    expect(errorFormOf("/p/main/v1/messages", null)).toBe("anthropic");
    expect(errorFormOf("/v2/main/run", null)).toBe("runpod");
  });
});
