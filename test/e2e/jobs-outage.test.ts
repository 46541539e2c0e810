/**
 * An endpoint that is not there, on raw workerd: its port refuses connections for longer than all attempts of a job
 * would last, and comes back. No job may fail for it, and none may wait once it is there again.
 */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const JOBS = 40;
/** Three attempts and their backoffs are over well within it, s. */
const OUTAGE_SECONDS = 8;

/** Begins with a role and says nothing more, once for each word; then answers. */
let silences: ("before a token" | "after one")[] = [];
const quiet = createServer((request, response) => {
  if (request.method === "GET") return void response.writeHead(200).end();
  response.writeHead(200, { "content-type": "text/event-stream" });
  const silence = silences.shift();
  response.write(chunk({ role: "assistant", content: "" }));
  if (silence === "before a token") return undefined;
  response.write(chunk({ content: "hi" }));
  if (silence === undefined) response.end("data: [DONE]\n\n");
  return undefined;
});
const chunk = (delta: object): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`;

let fleet: Fleet;
let port = 0;
let server: Server;
const served: string[] = [];

async function open(): Promise<void> {
  server = createServer((request, response) => {
    if (request.method === "GET") return void response.writeHead(200).end();
    served.push(request.url ?? "");
    response.writeHead(200, { "content-type": "application/json" }).end('{"output":"here"}');
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
}

async function close(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

beforeAll(async () => {
  await open();
  await new Promise<void>((resolve) => quiet.listen(0, "127.0.0.1", resolve));
  const { port: quietPort } = quiet.address() as AddressInfo;
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    morePools: {
      quiet: {
        firstTokenTimeoutMs: 500,
        stallTimeoutMs: 500,
        endpoints: [
          {
            id: "quiet-a",
            region: "us-east",
            backend: "openai",
            url: `http://127.0.0.1:${quietPort}`,
            concurrencyPerWorker: 4,
          },
        ],
      },
      lone: {
        endpoints: [
          {
            id: "lone-a",
            region: "us-east",
            backend: "openai",
            url: `http://127.0.0.1:${port}`,
            concurrencyPerWorker: 4,
          },
        ],
      },
    },
  });
});
afterAll(async () => {
  await fleet.close();
  await close();
  quiet.closeAllConnections();
  await new Promise((resolve) => quiet.close(resolve));
});

const run = async (): Promise<string> => {
  const body = JSON.stringify({ input: { n: 1 } });
  const answer = await fleet.call("/v2/lone/run", { method: "POST", body });
  return ((await answer.json()) as { id: string }).id;
};
type Shown = {
  readonly status: string;
  readonly attempts: number;
  readonly history: readonly { readonly why: string }[];
};
const show = async (id: string, seconds: number): Promise<Shown> =>
  (await (await fleet.call(`/v1/jobs/${id}~lone`, { headers: { prefer: `wait=${seconds}` } })).json()) as Shown;

test("40 jobs outlast an endpoint that refuses connections, with no attempt used up, and start as soon as it is back", async () => {
  await show(await run(), 10);
  expect(served).toHaveLength(1);
  await close();
  const ids = await Promise.all(Array.from({ length: JOBS }, run));
  // Held until the job ends, if it does.
  const during = await show(ids[0] ?? "", OUTAGE_SECONDS);
  expect(["queued", "retrying", "running"]).toContain(during.status);
  const states = await Promise.all(ids.map(async (id) => (await show(id, 0)).status));
  expect(states.filter((state) => state === "failed")).toHaveLength(0);
  await open();
  const ended = await Promise.all(ids.map(async (id) => show(id, 60)));
  expect(new Set(ended.map(({ status, attempts }) => `${status} ${attempts}`))).toEqual(new Set(["completed 1"]));
  // One dispatch finds out; the others wait for the endpoint, not for their turn to fail.
  const excused = ended.flatMap(({ history }) => history.filter(({ why }) => why === "unreachable"));
  expect(excused.length).toBeLessThan(JOBS * 2);
  expect(served).toHaveLength(JOBS + 1);
}, 90_000);

test.each(["before a token", "after one"] as const)(
  "a job's stream that falls silent %s is given up at the pool's limit for that, and tried again",
  async (silence) => {
    silences = [silence];
    const input = { messages: [{ role: "user", content: "hi" }], stream: true };
    const body = JSON.stringify({ input });
    const answer = await fleet.call("/v2/quiet/run", { method: "POST", body });
    const { id } = (await answer.json()) as { id: string };
    const path = `/v1/jobs/${id}~quiet`;
    const job = (await (await fleet.call(path, { headers: { prefer: "wait=60" } })).json()) as Shown;
    expect([job.status, job.attempts]).toEqual(["completed", 2]);
    expect(job.history.map(({ why }) => why)).toContain("timeout_first_byte");
  },
  90_000,
);
