import { expect, test } from "vitest";
import { endpointTable } from "../../../tools/cli/serve-look.ts";
import type { EndpointSeen } from "../../../src/wire/keeper.ts";

const seen = (id: string, answer: EndpointSeen["answer"], more: Partial<EndpointSeen> = {}): EndpointSeen => ({
  id,
  region: "here",
  host: "gpu:8000",
  answer,
  status: null,
  ms: 3,
  secret: null,
  ...more,
});

test("the table of endpoints has one line each: what it answered, and what to do", () => {
  const table = endpointTable([
    seen("a", "ready", { status: 200 }),
    seen("b", "warming"),
    seen("c", "cold"),
    seen("d", "draining"),
    seen("e", "silent", { ms: 5_000 }),
    seen("f", "failed"),
    seen("g", "failed", { status: 401 }),
    seen("h", "failed", { status: 403, secret: "GPU_KEY" }),
    seen("i", "failed", { status: 404 }),
    seen("j", "failed", { status: 500 }),
  ]);
  expect(table.split("\n").map((line) => line.trim().split(/\s{2,}/))).toEqual([
    ["endpoint", "host", "region", "answer", "ms", "what to do"],
    ["a", "gpu:8000", "here", "ready", "3"],
    ["b", "gpu:8000", "here", "warming", "3", "wait: it loads its model"],
    ["c", "gpu:8000", "here", "cold", "3", "nothing: the first request that needs it starts it"],
    ["d", "gpu:8000", "here", "draining", "3", "nothing: it says itself that it takes no more"],
    ["e", "gpu:8000", "here", "timeout", "5000", expect.stringContaining("firewall")],
    ["f", "gpu:8000", "here", "refused", "3", expect.stringContaining("is it running")],
    ["g", "gpu:8000", "here", "401", "3", expect.stringContaining('"auth"')],
    ["h", "gpu:8000", "here", "403", "3", expect.stringContaining("GPU_KEY")],
    ["i", "gpu:8000", "here", "404", "3", expect.stringContaining('"url"')],
    ["j", "gpu:8000", "here", "HTTP 500", "3", "look into its own log"],
  ]);
});
