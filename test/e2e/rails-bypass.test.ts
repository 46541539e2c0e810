/**
 * Every way to bring a text past the rails that read a request (`test/support/bypass-tries.ts`): what reaches the
 * endpoint is redacted, or its rail says that it has found it or that it could not read all. None says "allow".
 */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PLANTS, POOL, TRIES } from "../support/bypass-tries.ts";
import type { Try } from "../support/bypass-tries.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

let fleet: Fleet;
let server: Server;

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      const choices = [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "ok" } }];
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ id: "c", object: "chat.completion", created: 1, model: "m", choices }));
    });
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    morePools: {
      [POOL]: {
        models: [POOL],
        paths: ["*"],
        endpoints: [{ id: "at-tries", region: "us-east", backend: "openai", url, concurrencyPerWorker: 16 }],
        rails: { input: ["size", "secrets", "pii", "injection"] },
      },
      strict: {
        paths: ["*"],
        endpoints: [{ id: "at-strict", region: "us-east", backend: "openai", url }],
        rails: {
          input: [
            { use: "secrets", action: "block", onError: "closed" },
            { use: "pii", action: "block", onError: "closed" },
            { use: "injection", onError: "closed" },
          ],
        },
      },
    },
  });
});
afterAll(async () => {
  await fleet.close();
  server.closeAllConnections();
  server.close();
});

type Outcome = "refused" | "found" | "not read" | "ALLOWED";

async function outcomeOf({ path, body, headers, rail }: Try): Promise<Outcome> {
  const init = body === null ? { method: "GET" } : { method: "POST", body };
  const answer = await fleet.call(path, { ...init, headers: { "content-type": "application/json", ...headers } });
  await answer.arrayBuffer();
  if (answer.status >= 400 && answer.status < 500) return "refused";
  const said = answer.headers.get("x-warmpath-rails") ?? "";
  const own = new RegExp(`(?:^|, )${rail}=([^,]*)`).exec(said)?.[1] ?? "allow";
  if (own.startsWith("allow") || own.startsWith("skipped")) return "ALLOWED";
  return own.startsWith("rail_error") ? "not read" : "found";
}

describe.each([...new Set(TRIES.map(({ kind }) => kind))])("in %s, no try is recorded as allowed:", (kind) => {
  const names = [...new Set(TRIES.filter((one) => one.kind === kind).map(({ name }) => name))];
  test.each(names)("%s", async (name) => {
    const tries = TRIES.filter((one) => one.kind === kind && one.name === name);
    const outcomes = await Promise.all(tries.map(async (one) => [`${one.rail} ${one.path}`, await outcomeOf(one)]));
    expect(outcomes.filter(([, outcome]) => outcome === "ALLOWED")).toEqual([]);
  });
});

test("none of them is taken in as a job where rails block and fail closed", async () => {
  const tries = TRIES.filter(
    ({ kind, path }) => kind !== "bodies" && kind !== "beside the body" && path.startsWith("/v1"),
  );
  const taken: string[] = [];
  for (const { kind, name, rail, body } of tries) {
    const headers = { "content-type": "application/json" };
    const job = { method: "POST", headers, body: `{"input":${String(body)}}` };
    const answer = await fleet.call("/v2/strict/run", job);
    await answer.arrayBuffer();
    if (answer.status !== 400 && answer.status !== 415) taken.push(`${kind}: ${name} (${rail}): ${answer.status}`);
  }
  expect(taken).toEqual([]);
});

test("the same texts, plainly written, are found by their rails, and others are not", async () => {
  for (const [rail, text] of Object.entries(PLANTS) as [keyof typeof PLANTS, string][]) {
    const plain = (content: string): Try => ({
      kind: "",
      name: "",
      rail,
      path: "/v1/chat/completions",
      body: JSON.stringify({ model: POOL, messages: [{ role: "user", content }] }),
    });
    expect([rail, await outcomeOf(plain(text)), await outcomeOf(plain("What is the weather like?"))]).toEqual([
      rail,
      rail === "injection" ? "refused" : "found",
      "ALLOWED",
    ]);
  }
});
