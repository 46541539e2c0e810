import { afterEach, expect, test, vi } from "vitest";
import type { Way } from "../../src/dispatch/upstream.ts";

// By a name that the type checker does not follow: the module's types are those of the Workers runtime, not of Node.
const upstreamModule = "../../src/dispatch/http-upstream.ts";
const { wayTo } = (await import(/* @vite-ignore */ new URL(upstreamModule, import.meta.url).href)) as {
  wayTo: (endpoint: unknown, outgoing: unknown) => Way<unknown>;
};

const endpointWith = (healthUrl: string) => ({
  config: { id: "e", executionTimeoutMs: 1_000 },
  target: { url: "http://e.example:8000/v1", healthUrl },
});

afterEach(() => vi.unstubAllGlobals());

test("an endpoint is asked whether it can be reached only where its health is told at the same origin", () => {
  expect(wayTo(endpointWith("http://e.example:8000/health"), {}).reach).not.toBeNull();
  expect(wayTo(endpointWith("http://e.example:9000/health"), {}).reach).toBeNull();
  expect(wayTo(endpointWith("https://e.example:8000/health"), {}).reach).toBeNull();
});

test.each(["http://e.example:8000/health", "https://health.example/e"])(
  "the URLs of an endpoint with its health at %s are read once, not once a request",
  (healthUrl) => {
    const endpoint = endpointWith(healthUrl);
    let read = 0;
    vi.stubGlobal(
      "URL",
      class extends URL {
        constructor(...given: ConstructorParameters<typeof URL>) {
          read += 1;
          super(...given);
        }
      },
    );
    const [first, second] = [wayTo(endpoint, {}), wayTo(endpoint, {})];
    expect(read).toBe(2);
    expect(second.reach).toBe(first.reach);
  },
);
