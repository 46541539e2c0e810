/**
 * The path that rails go by is the path that is sent: whatever the spelling of a request's target, its pool's rails have
 * read what the pool's endpoint gets, and its protocol is that of the path which the endpoint sees.
 */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answerFormat, protocolOf } from "../../src/dispatch/answer-format.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { callTarget } from "../support/raw-target.ts";

/** Made up, and put together here so that no scanner takes this file for a leak. */
const SECRET = `AKIA${"Q4F5BNZSWAIK7GLP"}`;

let fleet: Fleet;
const servers: Server[] = [];
/** By the endpoint's pool: targets and bodies that it got. */
const seen: { readonly pool: string; readonly url: string; readonly body: string }[] = [];

async function endpointOf(pool: string): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      // What a shard asks for itself is a GET.
      if (request.method === "POST")
        seen.push({ pool, url: request.url ?? "", body: Buffer.concat(chunks).toString() });
      const message = { role: "assistant", content: `your key is ${SECRET}` };
      const choices = [{ index: 0, finish_reason: "stop", message }];
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ id: "c", object: "chat.completion", created: 1, model: "m", choices }));
    });
  });
  servers.push(server);
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  const pool = async (id: string, secrets: string) => ({
    models: [id],
    paths: ["*"],
    endpoints: [{ id: `at-${id}`, region: "us-east", backend: "openai", url: await endpointOf(id) }],
    rails: { input: [{ use: "secrets", name: secrets }], output: [{ use: "secrets", name: secrets }] },
  });
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    morePools: { one: await pool("one", "of-one"), two: await pool("two", "of-two") },
    config: { routes: [{ path: "/mine/chat", pool: "two", upstreamPath: "/v1/chat/completions" }] },
  });
});
afterAll(async () => {
  await fleet.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

const CHAT = "v1/chat/completions";
const targets = [
  `/p/one/${CHAT}`,
  `//p/one/${CHAT}`,
  `/p//one//${CHAT}`,
  `/p/one/${CHAT}/`,
  `/p/one/v1//chat///completions`,
  `/p/%6fne/${CHAT}`,
  `/%70/one/${CHAT}`,
  `/p/one/%761/ch%61t/completi%6Fns`,
  `/p/one/v1%2Fchat%2fcompletions`,
  `/p/one/V1/Chat/COMPLETIONS`,
  `/p/One/${CHAT}`,
  `/p/one/../two/${CHAT}`,
  `/p/one/%2e%2e/two/${CHAT}`,
  `/p/one/..%2ftwo/${CHAT}`,
  `/p/one/./${CHAT}`,
  `/p/one/v1/chat/completions;x=1`,
  `/p/one;x/${CHAT}`,
  `/p/one/${CHAT}?a=/p/two`,
  `/p/one/${CHAT}%3Fx`,
  `/p/one/${CHAT}%20`,
  `/p/one/${CHAT}#x`,
  `/p/one/${CHAT}%00`,
  `/p/one\\..\\two/${CHAT}`,
  `http://127.0.0.1/p/one/${CHAT}`,
  `/mine/chat`,
  `/mine//chat/`,
  `/m%69ne/chat`,
  `/mine/chat/../../p/one/${CHAT}`,
  `/v1/chat/completions`,
  `//v1/chat/completions/`,
  `/v1/ch%61t/completions`,
];

describe("rails go by the path that is sent", () => {
  test.each(targets)("%s", async (target) => {
    seen.length = 0;
    const body = JSON.stringify({ model: "one", messages: [{ role: "user", content: `my key is ${SECRET}` }] });
    const headers = { authorization: `Bearer ${fleet.key}`, "content-type": "application/json" };
    const answer = await callTarget(fleet.router.port, { method: "POST", target, headers, body });
    if (answer.status >= 400) return expect(seen).toEqual([]);
    const [got] = seen;
    const rail = `of-${got?.pool}`;
    expect(answer.head.toLowerCase()).toMatch(new RegExp(`x-warmpath-rails: ${rail}=redact;`));
    expect(got?.body).not.toContain(SECRET);
    // Of the same protocol in the spelling of the client and in that of the endpoint, or of none.
    expect(answerFormat(got?.url ?? "")).toBe("chat");
    expect(protocolOf("POST", got?.url ?? "")).toBe("chat");
    expect(answer.head.toLowerCase()).toContain(`output.${rail}=redact`);
    expect(answer.body).not.toContain(SECRET);
  });
});
