/** Sessions of keys that live outside the config, or that are narrowed; and what of the dashboard is on record. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { postKey, signIn } from "../support/dashboard-client.ts";
import { type Fleet, startFleet } from "../support/fleet.ts";
import { type Frame, watch } from "../support/watcher.ts";

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: [{ id: "near", region: "us-east" }],
    morePools: {
      secret: {
        endpoints: [{ id: "hidden", region: "us-east", backend: "openai", url: "http://127.0.0.1:9" }],
      },
    },
  });
});
afterAll(() => fleet.close());

const order = async (path: string, body: object, method = "POST") =>
  (await (await fleet.call(path, { method, body: JSON.stringify(body) })).json()) as { id: string; key: string };
const makeKey = async (more: object) =>
  order("/admin/keys", { label: "ops", tenant: "tests", scopes: ["infer", "admin"], expiresInSeconds: null, ...more });

test("a key of the registry signs in, and its sessions and sockets end when it is revoked", async () => {
  const { id, key } = await makeKey({});
  const operator = await signIn({ router: fleet.router, key });
  expect(await (await operator.call("/dashboard/api/session")).json()).toMatchObject({ keyId: id });
  expect((await operator.call("/admin/fleet")).status).toBe(200);
  const watcher = watch(fleet.router.url, { cookie: operator.cookie });
  await watcher.frame(() => true);
  await fleet.call(`/admin/keys/${id}`, { method: "DELETE" });
  expect((await operator.call("/admin/fleet")).status).toBe(401);
  expect((await watcher.closed).code).toBe(4401);
  expect((await postKey(fleet.router.url, key)).status).toBe(401);
});

test("a session is another one's no more when its key has got another secret", async () => {
  const { id, key } = await makeKey({});
  const operator = await signIn({ router: fleet.router, key });
  await order(`/admin/keys/${id}/rotate`, { overlapSeconds: 0 });
  expect((await operator.call("/admin/fleet")).status).toBe(401);
});

test("what narrows a key narrows its sessions: no other pool, and nothing that is over all of them", async () => {
  const { key } = await makeKey({ pools: ["main"] });
  const operator = await signIn({ router: fleet.router, key });
  const frame = (await (await operator.call("/dashboard/api/snapshot")).json()) as Frame;
  expect(frame.fleet.map(({ pool }) => pool)).toEqual(["main"]);
  expect(frame.jobs.map(({ pool }) => pool)).toEqual(["main"]);
  expect(frame).toMatchObject({ rates: null, decisions: [] });
  expect((await operator.call("/admin/jobs/secret")).status).toBe(404);
  expect((await operator.call("/dashboard/api/history")).status).toBe(403);
  const watcher = watch(fleet.router.url, { cookie: operator.cookie });
  expect((await watcher.closed).code).toBe(1006);
  const elsewhere = await makeKey({ addresses: ["203.0.113.0/24"] });
  expect((await postKey(fleet.router.url, elsewhere.key)).status).toBe(401);
});

test("who signed in, and who did not, is on record; what a model answered in the panel is not", async () => {
  const operator = await signIn(fleet);
  await postKey(fleet.router.url, "wp_nonsense");
  const body = { model: fleet.model, max_tokens: 3, messages: [{ role: "user", content: "what nobody keeps" }] };
  const tried = await operator.call("/dashboard/api/try", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const { choices } = (await tried.json()) as { choices: { message: { content: string } }[] };
  const said = choices[0]?.message.content ?? "";
  expect(said).not.toBe("");
  const record = await fleet.until(
    async () => (await fleet.call("/admin/audit?limit=1000")).text(),
    (text) => text.includes("POST /dashboard/api/session") && text.includes("refused"),
  );
  expect(record).not.toContain("/dashboard/api/try");
  expect(record).not.toContain("what nobody keeps");
});
