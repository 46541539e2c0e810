import { describe, expect, test } from "vitest";
import { targetOf } from "../../backends/targets.ts";
import { parseConfig } from "../../src/config/config-parse.ts";
import type { EndpointConfig } from "../../src/config/config.ts";
import { configText } from "../config/config-sample.ts";
import type { Json } from "../config/config-sample.ts";

function endpoint(changes: { [key: string]: Json } = {}): EndpointConfig {
  const entry = { id: "a", region: "us", backend: "openai", url: "https://a.example.com/", ...changes };
  const parsed = parseConfig(configText("pools.llama.endpoints", [entry]));
  const found = parsed.ok ? parsed.value.pools.get("llama")?.endpoints[0] : undefined;
  if (found === undefined) throw new Error(`the config is wrong: ${JSON.stringify(parsed)}`);
  return found;
}

const auth = { secret: "GPU_KEY" };

describe("the target of an endpoint", () => {
  test("has its secret as a bearer token, at its own health path too", () => {
    expect(targetOf(endpoint({ auth }), { GPU_KEY: "k" })).toEqual({
      ok: true,
      value: {
        endpointId: "a",
        model: null,
        url: "https://a.example.com",
        authorization: "Bearer k",
        concurrencyPerWorker: null,
        healthUrl: "https://a.example.com/health",
        healthAuthorization: "Bearer k",
      },
    });
  });

  test.each([
    { name: "another origin", health: { url: "https://monitor.example/a" }, is: null },
    {
      name: "another origin with its own secret",
      health: { url: "https://monitor.example/a", auth: { secret: "MONITOR" } },
      is: "Bearer m",
    },
  ])("sends to the health check at $name: $is", ({ health, is }) => {
    const target = targetOf(endpoint({ auth, health }), { GPU_KEY: "k", MONITOR: "m" });
    expect(target.ok && [target.value.authorization, target.value.healthAuthorization]).toEqual(["Bearer k", is]);
  });

  test("of Runpod has its health at Runpod's API, with the endpoint's secret", () => {
    const runpod = { backend: "runpod-lb", url: "https://abc123.api.runpod.ai", auth };
    const target = targetOf(endpoint(runpod), { GPU_KEY: "k" });
    expect(target.ok && [target.value.healthUrl, target.value.healthAuthorization]).toEqual([
      "https://api.runpod.ai/v2/abc123/health",
      "Bearer k",
    ]);
  });

  test.each([
    { name: "is not set", env: {}, missing: "GPU_KEY" },
    { name: "is empty", env: { GPU_KEY: "" }, missing: "GPU_KEY" },
    { name: "is no text", env: { GPU_KEY: 7 }, missing: "GPU_KEY" },
    { name: "of the health check is not set", env: { GPU_KEY: "k" }, missing: "MONITOR" },
  ])("names the secret that $name", ({ env, missing }) => {
    const health = { url: "https://monitor.example/a", auth: { secret: "MONITOR" } };
    expect(targetOf(endpoint({ auth, health }), env)).toEqual({ ok: false, error: missing });
  });

  test("without secrets sends none", () => {
    const target = targetOf(endpoint(), {});
    expect(target.ok && [target.value.authorization, target.value.healthAuthorization]).toEqual([null, null]);
  });
});
