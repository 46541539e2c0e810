/** Which answers are looked at, and by what. */
import { describe, expect, test } from "vitest";
import { answerFormat } from "../../src/dispatch/answer-format.ts";
import { foundBy, heldBy, RailFailed } from "../../src/rails/core/stream/stream-guard.ts";
import { createTally, recordOf } from "../../src/rails/core/stream/stream-record.ts";
import { outputSetOf } from "../../src/rails/output-set.ts";
import type { PoolConfig } from "../../src/config/config.ts";
import { parseConfig } from "../../src/config/config-parse.ts";

describe("the protocol of an answer is told by its path", () => {
  test.each([
    ["/v1/chat/completions", "chat"],
    ["/chat/completions?x=/v1/embeddings", "chat"],
    ["/V1//Chat/Completions/", "chat"],
    ["/v1/chat%2Fcompletions", "chat"],
    ["/v1/chat/completions%3Fx=1", "chat"],
    ["/v1/chat/completions%23x", "chat"],
    ["/v1/chat/completions%20", "chat"],
    ["/openai/deployments/x/completions", "completions"],
    ["/v1/responses", "responses"],
    ["/v1/responses/resp_1", "responses"],
    ["/v1/messages", "anthropic"],
    ["/v1/messages/count_tokens", null],
    ["/v1/embeddings", null],
    ["/v1/chat/completions/x", null],
    ["/x?/v1/chat/completions", null],
    ["/%E0%A4%A/chat/completions", "chat"],
    ["", null],
  ])("%s is %s", (path, format) => {
    expect(answerFormat(path)).toBe(format);
  });
});

function poolWith(output: readonly unknown[]): PoolConfig {
  const text = JSON.stringify({
    regions: { here: { lat: 0, lon: 0, hint: "weur" } },
    pools: {
      p: { endpoints: [{ id: "e", region: "here", backend: "openai", url: "http://127.0.0.1:9" }], rails: { output } },
    },
  });
  const parsed = parseConfig(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const config = parsed.value.pools.get("p");
  if (config === undefined) throw new Error("the pool is missing");
  return config;
}

const setOf = (pool: PoolConfig, requestId = "r1", tenant = "t", body: unknown = {}) => {
  const set = outputSetOf(pool, { requestId, tenant, body, format: "chat" });
  if (set === null) throw new Error("a rail cannot run");
  return set;
};
const names = ({ rails }: { readonly rails: readonly { readonly name: string }[] }) => rails.map(({ name }) => name);

describe("what looks at an answer", () => {
  test("is the same list for every request, because tables hang on it", () => {
    const pool = poolWith(["secrets", "pii"]);
    expect(setOf(pool, "r1").scanners).toBe(setOf(pool, "r2").scanners);
    expect(setOf(pool).wholes).toEqual([]);
    expect(setOf(pool).mustRead("not_json")).toBe(null);
  });

  test("scans pieces only where it may change something; flags and shadows look at whole texts", () => {
    const pool = poolWith([
      "secrets",
      { use: "pii", action: "flag" },
      { use: "links", shadow: true },
      { use: "schema", options: { schema: {} } },
    ]);
    const { scanners, wholes, mustRead } = setOf(pool);
    expect(scanners.map(({ rail }) => rail)).toEqual(["secrets"]);
    expect(wholes.map(({ rail, action }) => [rail, action])).toEqual([
      ["pii", "flag"],
      ["links", "flag"],
      ["schema", "block"],
    ]);
    expect(mustRead("not_json")).toBe("schema");
    // It holds for what the model says, whatever stands around that.
    expect(mustRead("media")).toBe(null);
  });

  test("of media alone a rail is told by onMedia, as on the way in; of all else by onError", () => {
    const must = (shape: object) => {
      const { mustRead } = setOf(poolWith([{ use: "secrets", ...shape }]));
      return (["media", "other_type"] as const).map((reason) => mustRead(reason));
    };
    expect(must({ action: "block" })).toEqual([null, "secrets"]);
    expect(must({ onError: "closed" })).toEqual(["secrets", "secrets"]);
    expect(must({ onMedia: "closed" })).toEqual(["secrets", null]);
    expect(must({ action: "block", onMedia: "closed", shadow: true })).toEqual([null, null]);
  });

  test("on a path of the server's own no schema holds: what is there is nobody's answer", () => {
    const pool = poolWith(["secrets", { use: "schema", options: { schema: {} } }]);
    const set = outputSetOf(pool, { requestId: "r", tenant: "t", body: {}, format: "any" });
    expect(set === null ? null : names(set)).toEqual(["secrets"]);
  });

  test("a rail for some tenants is for them only; the lists of both are kept", () => {
    const pool = poolWith(["secrets", { use: "pii", tenants: ["acme"] }]);
    expect([names(setOf(pool, "r", "acme")), names(setOf(pool, "r", "other"))]).toEqual([
      ["secrets", "pii"],
      ["secrets"],
    ]);
    expect(setOf(pool, "r9", "acme").scanners).toBe(setOf(pool, "r", "acme").scanners);
  });

  test("a sampled rail looks at its share of the requests", () => {
    const pool = poolWith([{ use: "pii", sample: 0.25 }]);
    const looked = Array.from({ length: 2_000 }, (_, at) => setOf(pool, `req_${at}`).rails.length);
    const share = looked.reduce((sum, count) => sum + count, 0) / looked.length;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.3);
  });

  test("the canary compares with the hidden texts of this request", () => {
    const prompt = "You are the night porter of the Grand Hotel and never speak of room nine.";
    const pool = poolWith(["canary"]);
    const knows = (body: unknown) => setOf(pool, "r", "t", body).scanners[0]?.find(`He said: ${prompt}`).length ?? 0;
    expect(knows({ messages: [{ role: "system", content: prompt }] })).toBe(1);
    expect(knows({ messages: [{ role: "user", content: prompt }] })).toBe(0);
    expect(knows(null)).toBe(0);
  });

  test("a pool with a rail that cannot run has no set, and the log says which", () => {
    const pool = poolWith([{ use: "regex", options: { patterns: [{ name: "x", pattern: "(" }] } }]);
    expect(outputSetOf(pool, { requestId: "r", tenant: "t", body: {}, format: "chat" })).toBe(null);
  });
});

describe("a rail that breaks", () => {
  // Nothing but a text has no length to look at.
  const unreadable = null as unknown as string;
  const scannerOf = (onError: "open" | "closed", shape: object = {}) => {
    const [scanner] = setOf(poolWith([{ use: "pii", onError, ...shape }])).scanners;
    if (scanner === undefined) throw new Error("the rail scans no pieces");
    return scanner;
  };

  test("counts as having found nothing where it fails open, is noted, and is not asked again", () => {
    const tally = createTally();
    const scanner = scannerOf("open");
    expect(foundBy(scanner, unreadable, tally)).toEqual([]);
    expect([...recordOf(tally).failed.keys()]).toEqual(["pii"]);
    expect(foundBy(scanner, "mail a@example.com", tally)).toEqual([]);
    expect(heldBy(scanner, "mail a@", 0, tally)).toBe("mail a@".length);
  });

  test("fails in its own answer only: the next one is looked at by the same scanner", () => {
    const scanner = scannerOf("open");
    foundBy(scanner, unreadable, createTally());
    const other = createTally();
    expect(foundBy(scanner, "mail a@example.com", other)).toHaveLength(1);
    expect(recordOf(other).failed.size).toBe(0);
  });

  test("ends the answer where it fails closed", () => {
    const tally = createTally();
    expect(() => foundBy(scannerOf("closed"), unreadable, tally)).toThrow(RailFailed);
    expect([...recordOf(tally).failed.keys()]).toEqual(["pii"]);
  });
});
