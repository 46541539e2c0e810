/**
 * No line of the log has a prompt, an answer, a credential or personal data, whatever the endpoint says: here it answers
 * with all that it was sent, as errors of engines do.
 */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { idOf, LOG_ALL, recordOf } from "../support/records.ts";

const CREDENTIAL = "gpu-credential-7f31c2";
const PROMPT = 'The board sells the Bergedorf plant in May; "nobody" may know.\nSchließung folgt.';
const EMAIL = "anna.bauer@example.org";
/** Made up, and put together here so that no scanner takes this file for a leak. */
const SECRET = `ghp_${"R7bN2kQ9xW4mT1vZ8cL5"}${"pD3fH6jS0aYg"}${"K2eU"}`;
const WORDS = [
  "board",
  "Bergedorf",
  "nobody",
  "Schließung",
  EMAIL,
  SECRET.slice(6),
  "session-of-anna",
  "hunter-of-query",
];

let fleet: Fleet;
let server: Server;
let status = 500;
beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method === "GET") return void response.writeHead(200).end("ok");
      const sent = Buffer.concat(chunks).toString();
      const said = { error: { message: `cannot do ${request.headers.authorization} ${sent} for ${EMAIL}` } };
      return void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(said));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east", config: { url, auth: { secret: "GPU_KEY" } } }],
    pool: {
      rails: {
        input: [
          { use: "secrets", action: "flag" },
          { use: "pii", action: "flag" },
        ],
      },
    },
    bindings: { GPU_KEY: CREDENTIAL },
    config: LOG_ALL,
  });
});
afterAll(async () => {
  await fleet.close();
  server.close();
});

test.each([
  ["chat", 500, "/v1/chat/completions", true],
  ["chat", 401, "/v1/chat/completions", true],
  ["chat", 429, "/v1/chat/completions", true],
  ["chat", 400, "/v1/chat/completions", false],
  ["a path of the client's", 500, "/p/main/custom?q=hunter-of-query", false],
  ["a path that there is not", 404, "/hunter-of-query/session-of-anna", false],
])("of %s that is answered %i", async (_, answers, path, isLost) => {
  status = answers;
  const content = `${PROMPT} ${SECRET} ${EMAIL}`;
  const response = await fleet.call(path, {
    method: "POST",
    place: "us-east",
    headers: { "content-type": "application/json", "x-warmpath-session": "session-of-anna" },
    body: JSON.stringify({ model: fleet.model, messages: [{ role: "user", content }] }),
  });
  await response.text();
  const record = await recordOf(fleet, idOf(response));
  const said = record.attempts.flatMap((attempt) => attempt.said ?? []);
  expect(said.length > 0).toBe(isLost);
  for (const one of said) {
    expect(one).toContain("cannot do");
    expect(Buffer.byteLength(one)).toBeLessThanOrEqual(200);
  }
  const { shards } = (await (await fleet.call("/admin/fleet")).json()) as { shards: unknown };
  for (const told of [fleet.router.output(), JSON.stringify(shards)]) {
    for (const word of [...WORDS, CREDENTIAL, fleet.key]) expect(told).not.toContain(word);
  }
});
