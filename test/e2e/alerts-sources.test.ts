/**
 * What alerts know of keys and of spending, from the real registry and the real ledgers: told once each, told again after it
 * was well, signed and in Slack's form. The router is started anew on its state with another cap, as an operator would.
 */
import { createServer } from "node:http";
import type { Server } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const SECRET = `whsec_${Buffer.from("the secret of the operators").toString("base64")}`;
const PEPPER = "a pepper of these tests, the same at each start";
const DAY_S = 86_400;

let fleet: Fleet;
let receiver: Server;
let stateDir: string;
/** What each delivery said, in a line. */
let told: string[] = [];

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "warmpath-alerts-"));
  receiver = createServer((request, response) => {
    void text(request).then((body) => {
      if (request.url === "/slack") told.push((JSON.parse(body) as { text: string }).text);
      else {
        // Throws when the signature, or its time, is not right.
        const event = new Webhook(SECRET).verify(body, request.headers as Record<string, string>);
        const { type, data } = event as { type: string; data: { kind: string; subject: string } };
        told.push(`${type} ${data.kind} ${data.subject}`);
      }
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  await fleet.close();
});
afterAll(() => {
  receiver.closeAllConnections();
  receiver.close();
  rmSync(stateDir, { recursive: true, force: true });
});

async function start(spendPerDay: number, form: "standard" | "slack"): Promise<void> {
  told = [];
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/${form}`;
  fleet = await startFleet({
    endpoints: [{ id: "a", region: "us-east" }],
    pool: { prices: { inputPerMTok: 0, outputPerMTok: 10 }, patienceMs: 5_000 },
    pepper: PEPPER,
    stateDir,
    config: {
      tenants: { tests: { limits: { spendPerDay } } },
      alerts: {
        ...(form === "slack" ? { urlSecret: "SLACK_URL" } : { url, secret: "OPS_WEBHOOK_SECRET" }),
        form,
        rules: { noEndpointMs: 1_000, capacityShare: null, budgetMs: null, coldStarts: null, spendShare: 0.5 },
      },
    },
    bindings: { OPS_WEBHOOK_SECRET: SECRET, SLACK_URL: url },
  });
}

/** Asks one request, which costs 40 millionths, and waits for what is told, without any more requests. */
async function spendUntil(isTold: () => boolean): Promise<void> {
  expect((await fleet.chat({ maxTokens: 4 })).status).toBe(200);
  await fleet.until(
    async () => told,
    () => isTold(),
    60_000,
  );
}

const asOperator = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
  const sent =
    body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fleet.call(path, { method, ...sent });
  expect(answer.ok).toBe(true);
  return (await answer.json()) as Record<string, unknown>;
};

const of = (word: string) => told.filter((line) => line.includes(word));

test("a tenant near its cap, and a key of the registry near its end, are told once, by the ledger and the registry", async () => {
  await start(0.0001, "standard");
  // One key ends after the time that is watched.
  await asOperator("POST", "/admin/keys", { tenant: "tests", expiresInSeconds: 30 * DAY_S });
  const { id } = await asOperator("POST", "/admin/keys", { tenant: "tests", expiresInSeconds: 2 * DAY_S });
  await spendUntil(() => of("key_expiring").length > 0);
  expect(of("spend_near_cap")).toEqual([]);
  await spendUntil(() => of("spend_near_cap").length > 0);
  expect(told).toEqual([`alert.raised key_expiring ${id}`, "alert.raised spend_near_cap tests"]);

  await asOperator("DELETE", `/admin/keys/${id}`);
  await fleet.until(
    async () => told,
    (all) => all.length > 2,
    60_000,
  );
  const next = await asOperator("POST", "/admin/keys", { tenant: "tests", expiresInSeconds: DAY_S });
  await fleet.until(
    async () => told,
    (all) => all.length > 3,
    60_000,
  );
  expect(told.slice(2)).toEqual([`alert.resolved key_expiring ${id}`, `alert.raised key_expiring ${next["id"]}`]);
}, 180_000);

test("a cap that was raised makes it well, and spending up to it is told again, in Slack's words", async () => {
  await start(0.0004, "slack");
  await spendUntil(() => of("Resolved").length > 0);
  expect(of("has spent")).toEqual(["Resolved: Tenant tests has spent 30.0 % of its cap of the day."]);
  for (let nth = 0; nth < 3; nth++) await (await fleet.chat({ maxTokens: 4 })).text();
  await fleet.until(
    async () => of("Alert: Tenant"),
    (lines) => lines.length > 0,
    60_000,
  );
  expect(of("has spent").slice(1)).toEqual(["Alert: Tenant tests has spent 60.0 % of its cap of the day."]);
}, 180_000);
