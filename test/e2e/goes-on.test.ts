/** A conversation of the Responses API whose client names nothing but the answer before: each turn comes to where that was. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

let made = 0;
const servers = ["one", "other"].map((id) => ({
  id,
  server: createServer((request, response) => {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => (bytes += chunk.length));
    request.on("end", () => {
      response.setHeader("content-type", "application/json");
      if (request.url === "/health") return void response.end("{}");
      if (request.method === "GET") return void response.writeHead(404).end("{}");
      const content = [{ type: "output_text", text: "and so on", annotations: [] }];
      const output = [{ type: "message", id: "m", role: "assistant", status: "completed", content }];
      const usage = { input_tokens: 3_000 + bytes, output_tokens: 200, total_tokens: 3_200 + bytes };
      const answer = { id: `resp_${++made}`, object: "response", status: "completed", model: "m", output, usage };
      return void response.end(JSON.stringify(answer));
    });
  }),
}));

let fleet: Fleet;
beforeAll(async () => {
  for (const { server } of servers) await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  fleet = await startFleet({
    endpoints: servers.map(({ id, server }) => {
      const { port } = server.address() as AddressInfo;
      return { id, region: "us-east", config: { url: `http://127.0.0.1:${port}` } };
    }),
  });
});
afterAll(async () => {
  await fleet.close();
  for (const { server } of servers) server.close();
});

async function turn(input: string, previous: string | null) {
  const answer = await fleet.call("/p/main/v1/responses", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: fleet.model,
      input,
      ...(previous === null ? {} : { previous_response_id: previous }),
    }),
  });
  expect(answer.status).toBe(200);
  const { id } = (await answer.json()) as { id: string };
  return { id, at: answer.headers.get("x-warmpath-endpoint") };
}

test("twelve short turns of two conversations go to where their first ones were", async () => {
  const talks = [
    await turn("Once upon a time. ".repeat(200), null),
    await turn("In another place. ".repeat(200), null),
  ];
  const homes = talks.map(({ at }) => at);
  for (let round = 0; round < 6; round++) {
    for (const [index, talk] of talks.entries()) {
      const next = await turn("and then?", talk.id);
      expect(next.at).toBe(homes[index]);
      talks[index] = next;
    }
  }
});
