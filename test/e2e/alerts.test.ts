/**
 * What the operator is told of a fleet, on raw workerd with short times: a receiver on node:http counts the deliveries and
 * checks them with the reference library. The router is killed between an alert and its delivery.
 */
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const SECRET = `whsec_${Buffer.from("the secret of the operators").toString("base64")}`;
const DAY_MS = 86_400_000;

type Told = {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly kind: string; readonly subject: string };
};

let fleet: Fleet;
let receiver: Server;
const tries: string[] = [];
const received: Told[] = [];
/** While it is down, deliveries are counted and refused. */
let isDown = true;

async function read(request: IncomingMessage): Promise<Told> {
  const body = await text(request);
  // Throws when the signature, or its time, is not right.
  const told = new Webhook(SECRET).verify(body, request.headers as Record<string, string>) as Omit<Told, "id">;
  return { ...told, id: String(request.headers["webhook-id"]) };
}

beforeAll(async () => {
  receiver = createServer((request, response) => {
    void read(request).then(
      (event) => {
        tries.push(event.id);
        if (!isDown) received.push(event);
        response.writeHead(isDown ? 503 : 204).end();
      },
      () => response.writeHead(400).end(),
    );
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const { port } = receiver.address() as AddressInfo;
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    keys: [{ id: "soon", expiresAt: new Date(Date.now() + 2 * DAY_MS).toISOString() }],
    config: {
      alerts: {
        url: `http://127.0.0.1:${port}/alerts`,
        secret: "OPS_WEBHOOK_SECRET",
        rules: { noEndpointMs: 1_000, samplesMin: 5, errorShare: 0.5, capacityShare: null, budgetMs: null },
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

const kinds = (list: readonly Told[]) => list.map(({ type, data }) => `${type} ${data.kind} ${data.subject}`);

/** Requests go on until this has happened: what is not asked is not looked at. */
async function whileAsked(done: () => boolean): Promise<void> {
  await fleet.until(
    async () => {
      await (await fleet.chat({ maxTokens: 1 })).text();
      return done();
    },
    (isDone) => isDone,
    60_000,
  );
}

test("what is wrong is told once, over a crash and a receiver that was down, and that it is well again", async () => {
  await whileAsked(() => tries.some((id) => id.startsWith("alert.key_expiring.soon.")));
  fleet.simulator("us-a").refuse();
  await whileAsked(() => tries.some((id) => id.startsWith("alert.no_endpoint.main.")));
  await fleet.crash();
  isDown = false;
  await whileAsked(() => received.some(({ data }) => data.kind === "no_endpoint"));
  await fleet.simulator("us-a").listenAgain();
  await whileAsked(() => received.some(({ type }) => type === "alert.resolved"));
  await whileAsked(() => received.some(({ data }) => data.kind === "key_expiring"));

  const told = kinds(received);
  expect(told).toContain("alert.raised key_expiring soon");
  expect(told.filter((line) => line.includes("no_endpoint"))).toEqual([
    "alert.raised no_endpoint main",
    "alert.resolved no_endpoint main",
  ]);
  expect(new Set(received.map(({ id }) => id)).size).toBe(received.length);

  const snapshot = (await (await fleet.call("/dashboard/api/snapshot")).json()) as {
    events: { kind: string; text: string }[];
  };
  expect(snapshot.events).toContainEqual(
    expect.objectContaining({ kind: "alert_raised", text: "No endpoint of pool main takes traffic." }),
  );
}, 180_000);

test("Slack's form goes to the URL that a secret names, unsigned; 410 is the last word", async () => {
  const seen: { readonly path: string; readonly text: string; readonly signature: string | undefined }[] = [];
  const slack = createServer((request, response) => {
    void text(request).then((body) => {
      const message = JSON.parse(body) as { text: string };
      seen.push({
        path: request.url ?? "",
        text: message.text,
        signature: request.headers["webhook-signature"] as string,
      });
      response.writeHead(410).end();
    });
  });
  await new Promise<void>((resolve) => slack.listen(0, "127.0.0.1", resolve));
  const other = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    keys: [{ id: "soon", expiresAt: new Date(Date.now() + 2 * DAY_MS).toISOString() }],
    config: { alerts: { urlSecret: "SLACK_URL", form: "slack", rules: { noEndpointMs: 1_000 } } },
    bindings: { SLACK_URL: `http://127.0.0.1:${(slack.address() as AddressInfo).port}/services/T0/B0/x` },
  });
  try {
    await other.until(
      async () => (await other.chat({ maxTokens: 1 })).text(),
      () => seen.length > 0,
      60_000,
    );
    expect(seen).toEqual([
      { path: "/services/T0/B0/x", text: "Alert: Key soon expires in 2 d.", signature: undefined },
    ]);
  } finally {
    await other.close();
    slack.closeAllConnections();
    slack.close();
  }
}, 120_000);
