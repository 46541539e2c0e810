import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { meantPath } from "../../src/wire/meant-path.ts";

const NONE: ReadonlyMap<string, unknown> = new Map();

describe("the path that is meant", () => {
  test.each([
    ["/chat/completions", "/v1/chat/completions"],
    ["/chat/completions/", "/v1/chat/completions/"],
    ["/completions", "/v1/completions"],
    ["/embeddings", "/v1/embeddings"],
    ["/models", "/v1/models"],
    ["/models/org/name", "/v1/models/org/name"],
    ["/responses/resp_1/input_items", "/v1/responses/resp_1/input_items"],
    ["/messages/count_tokens", "/v1/messages/count_tokens"],
    ["/v1/v1/messages", "/v1/messages"],
    ["/v1/v1/v1/chat/completions", "/v1/chat/completions"],
    ["/v1/v1/models/v1/v1", "/v1/models/v1/v1"],
    ["/v1/v1/jobs/job_1", "/v1/jobs/job_1"],
    ["/p/main/v1/v1/rerank", "/p/main/v1/rerank"],
    ["/v2/main/openai/v1/v1/models", "/v2/main/openai/v1/models"],
    ["/v2/main/openai/chat/completions", "/v2/main/openai/v1/chat/completions"],
  ])("of %s is %s", (sent, meant) => {
    expect(meantPath(sent, NONE)).toBe(meant);
  });

  test.each([
    "/",
    "/v1",
    "/v1/v1",
    "/v1/chat/completions",
    "/v1/models/v1/v1/models",
    "/v1/v1/unknown",
    "/v1/v1/completionsx",
    "/v1x/v1/models",
    "/chat",
    "/chat/completion",
    "/modelsx",
    // What engines have at their own root.
    "/p/main/chat/completions",
    "/p/main/models",
    "/rerank",
    "/tokenize",
    // Ours.
    "/health",
    "/metrics",
    "/v2/main/run",
    "/v2/models/main",
    "/admin/fleet",
    "/dashboard/api/models",
    "/openai/v1/chat/completions",
  ])("of %s is itself", (path) => {
    expect(meantPath(path, NONE)).toBe(path);
  });

  test("is itself where the config declares it, with or without a last slash", () => {
    const declared = new Map(["/chat/completions", "/v1/v1/models"].map((path) => [path, null]));
    for (const path of ["/chat/completions", "/chat/completions/", "/v1/v1/models"])
      expect(meantPath(path, declared)).toBe(path);
    expect(meantPath("/embeddings", declared)).toBe("/v1/embeddings");
  });

  test("is found by one reading: the next one changes nothing, for any path", () => {
    const segment = fc.constantFrom("v1", "p", "v2", "openai", "main", "models", "chat", "completions", "messages", "");
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 7 }), (segments) => {
        const path = `/${segments.join("/")}`.replaceAll(/\/{2,}/g, "/");
        const meant = meantPath(path, NONE);
        expect(meantPath(meant, NONE)).toBe(meant);
      }),
      { numRuns: 5_000 },
    );
  });
});
