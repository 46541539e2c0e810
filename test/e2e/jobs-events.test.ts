/**
 * What a pool's operator is told, on raw workerd with short times: a receiver on node:http counts the deliveries and
 * checks them with the reference library.
 */
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const SECRET = `whsec_${Buffer.from("the secret of the operators").toString("base64")}`;
const LIMIT_MS = 1_000;

type Event = { readonly id: string; readonly type: string; readonly data: Readonly<Record<string, unknown>> };

let fleet: Fleet;
let receiver: Server;
const received: Event[] = [];
/** Deliveries that are refused first: what is refused comes again under its id. */
let refusals = 1;

async function read(request: IncomingMessage): Promise<Event> {
  let body = "";
  for await (const piece of request.setEncoding("utf8")) body += String(piece);
  // Throws when the signature, or its time, is not right.
  const told = new Webhook(SECRET).verify(body, request.headers as Record<string, string>) as Omit<Event, "id">;
  return { ...told, id: String(request.headers["webhook-id"]) };
}

beforeAll(async () => {
  receiver = createServer((request, response) => {
    void read(request).then(
      (event) => {
        refusals -= 1;
        if (refusals < 0) received.push(event);
        response.writeHead(refusals < 0 ? 204 : 503).end();
      },
      () => response.writeHead(400).end(),
    );
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const { port } = receiver.address() as AddressInfo;
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    pool: {
      jobs: {
        rates: { "purge-queue": { callsPer10s: 1 } },
        events: {
          url: `http://127.0.0.1:${port}/events`,
          secret: "OPS_WEBHOOK_SECRET",
          noHealthyEndpointMs: LIMIT_MS,
          queueOlderThanMs: LIMIT_MS,
        },
      },
    },
    bindings: { OPS_WEBHOOK_SECRET: SECRET },
  });
});
afterAll(async () => {
  await fleet.close();
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});

const turn = async (action: "drain" | "undrain") =>
  (await fleet.call(`/admin/endpoints/us-a/${action}`, { method: "POST" })).json();
const purge = async () => fleet.call("/v2/main/purge-queue", { method: "POST" });
const told = (type: string) => received.filter((event) => event.type === type);

async function submitted(): Promise<string> {
  const body = JSON.stringify({ input: { prompt: "hello", max_tokens: 1 } });
  const answer = await fleet.call("/v2/main/run", { method: "POST", body });
  return ((await answer.json()) as { id: string }).id;
}
const hasStatus = async (id: string, wanted: string) =>
  fleet.until(
    async () => ((await (await fleet.call(`/v2/main/status/${id}`)).json()) as { status: string }).status,
    (status) => status === wanted,
    15_000,
  );
const both = async (count: number) =>
  fleet.until(
    async () => [told("pool.no_healthy_endpoint").length, told("pool.queue_old").length],
    (counts) => counts.every((seen) => seen >= count),
    20_000,
  );

test("an outage is told once, signed, and once more when it happens again", async () => {
  await turn("drain");
  const first = await submitted();
  await both(1);
  // It lasts: further jobs and looks are the same occurrence.
  const second = await submitted();
  await turn("undrain");
  await hasStatus(first, "COMPLETED");
  await hasStatus(second, "COMPLETED");
  expect(received.map(({ type }) => type).sort()).toEqual(["pool.no_healthy_endpoint", "pool.queue_old"]);
  expect(told("pool.no_healthy_endpoint")[0]?.data).toMatchObject({ pool: "main", mode: "open" });
  expect(told("pool.no_healthy_endpoint")[0]?.data["forMs"]).toBeGreaterThanOrEqual(LIMIT_MS);
  expect(told("pool.queue_old")[0]?.data["waitedMs"]).toBeGreaterThanOrEqual(LIMIT_MS);

  await turn("drain");
  const third = await submitted();
  await both(2);
  await turn("undrain");
  await hasStatus(third, "COMPLETED");
  expect(new Set(received.map(({ id }) => id)).size).toBe(4);
}, 60_000);

test("the config's rate is the operation's", async () => {
  expect((await purge()).status).toBe(200);
  const refused = await purge();
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
});

test("an operator asks for the events that were given up, and for one of them again", async () => {
  const order = async (action: string, body = "") =>
    fleet.call(`/admin/jobs/main/${action}`, { method: "POST", ...(body === "" ? {} : { body }) });
  expect(await (await order("dead-events")).json()).toEqual({ pool: "main", events: [] });
  const replayed = await order("replay-event", '{"webhookId":"none"}');
  expect(await replayed.json()).toEqual({ webhookId: "none", replayed: false });
  expect((await order("replay-event", "{}")).status).toBe(400);
});
