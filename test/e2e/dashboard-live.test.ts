/** The dashboard's socket, its snapshot and its history, on raw workerd with a real WebSocket client. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WATCHERS_MAX } from "../../src/sight/object/watch-bounds.ts";
import { type SignedIn, signIn } from "../support/dashboard-client.ts";
import { type Fleet, startFleet } from "../support/fleet.ts";
import { type Frame, watch, type Watcher } from "../support/watcher.ts";

let fleet: Fleet;
let operator: SignedIn;
const watchers: Watcher[] = [];

beforeAll(async () => {
  fleet = await startFleet({
    keys: [{ id: "caller" }],
    endpoints: [
      { id: "near", region: "us-east" },
      { id: "far", region: "eu-west" },
    ],
  });
  operator = await signIn(fleet);
});
afterEach(async () => {
  for (const watcher of watchers) watcher.close();
  await Promise.all(watchers.splice(0).map(async ({ closed }) => closed));
});
afterAll(() => fleet.close());

function watching(headers: Record<string, string> = { cookie: operator.cookie }): Watcher {
  const watcher = watch(fleet.router.url, headers);
  watchers.push(watcher);
  return watcher;
}

const chatOnce = async (): Promise<string> => {
  const response = await fleet.chat({ stream: true });
  await response.text();
  return response.headers.get("x-request-id") ?? "";
};

test("who watches gets a full frame first, and then what is new, with each decision once", async () => {
  const before = await chatOnce();
  const hasRecord = (id: string) => (frame: Frame) => frame.decisions.some((record) => record.id === id);
  const first = watching();
  const full = await first.frame(hasRecord(before));
  expect(full).toMatchObject({ v: 1, rates: { windowS: expect.any(Number) } });
  expect(full.fleet.flatMap(({ endpoints }) => endpoints.map(({ id }) => id))).toEqual(["near", "far"]);
  expect(full.jobs).toMatchObject([{ pool: "main", mode: "open", byState: { queued: 0 } }]);
  const after = await chatOnce();
  const fresh = await first.frame(hasRecord(after));
  expect(fresh.decisions.find(({ id }) => id === after)).toMatchObject({
    outcome: "served",
    endpoint: "near",
    why: "nearest_warm",
    keyId: "test",
  });
  expect(fresh.rates?.byOutcome["served"]).toBeGreaterThanOrEqual(1);
  // One who comes later is told what the others have seen.
  await watching().frame(hasRecord(before));
  const seen = first.frames.flatMap(({ decisions }) => decisions.map(({ id }) => id));
  expect(seen.filter((id) => id === after)).toEqual([after]);
  expect(JSON.stringify(first.frames)).not.toContain("hello");
});

test("an endpoint that is killed is an event in words, and down in the next frame", async () => {
  const watcher = watching();
  await watcher.frame(() => true);
  await fleet.simulator("far").close();
  const frame = await watcher.frame(({ events }) => events.some(({ text }) => text.includes("→ down")));
  expect(frame.events.find(({ text }) => text.includes("→ down"))).toMatchObject({
    kind: "endpoint_standing",
    text: expect.stringMatching(/^far: \w+ → down/),
  });
});

test("a ping is answered, and any other word ends the socket", async () => {
  const watcher = watching();
  await watcher.frame(() => true);
  watcher.send("ping");
  expect(await watcher.text()).toBe("pong");
  watcher.send("tell me more");
  expect(await watcher.closed).toMatchObject({ code: 1008 });
});

test("no socket without a session of this router's own page", async () => {
  const { cookie } = operator;
  const tries: Record<string, string>[] = [
    {},
    { cookie: `${cookie}x` },
    { cookie, origin: "https://evil.example.com" },
    { cookie, "sec-fetch-site": "cross-site" },
    { authorization: `Bearer ${fleet.keyOf("caller")}` },
  ];
  for (const headers of tries) expect([headers, (await watching(headers).closed).code]).toEqual([headers, 1006]);
  // A key needs no page.
  await watching({ authorization: `Bearer ${fleet.key}`, origin: "https://elsewhere.example.com" }).frame(() => true);
  const plain = await operator.call("/dashboard/api/live");
  expect(plain.status).toBe(400);
});

test("as many may watch as the bound, and one more is told why not", async () => {
  const all = Array.from({ length: WATCHERS_MAX }, () => watching());
  await Promise.all(all.map(async (watcher) => watcher.frame(() => true)));
  const { code, reason } = await watching().closed;
  expect(code).toBe(1013);
  expect(reason).toContain("WATCHERS_MAX");
  all[0]?.close();
  await all[0]?.closed;
  await fleet.until(
    async () => {
      const again = watching();
      return Promise.race([again.frame(() => true).then(() => "in"), again.closed.then(() => "refused")]);
    },
    (outcome) => outcome === "in",
  );
});

test("a snapshot has what is remembered, and the history the minute that runs", async () => {
  const id = await chatOnce();
  const frame = await fleet.until(
    async () => (await (await operator.call("/dashboard/api/snapshot")).json()) as Frame,
    ({ decisions }) => decisions.some((record) => record.id === id),
  );
  expect(frame.rates).not.toBe(null);
  const asked = await operator.call("/dashboard/api/history?minutes=5");
  const { stepMinutes, minutes } = (await asked.json()) as { stepMinutes: number; minutes: { requests: number }[] };
  expect(stepMinutes).toBe(1);
  expect(minutes.reduce((sum, { requests }) => sum + requests, 0)).toBeGreaterThanOrEqual(1);
  expect(minutes.at(-1)).toMatchObject({ byOutcome: { served: expect.any(Number) }, cost: null });
  for (const query of ["minutes=0", "minutes=129601", "minutes=x", "step=0", "step=1.5"]) {
    expect([query, (await operator.call(`/dashboard/api/history?${query}`)).status]).toEqual([query, 400]);
  }
  expect((await operator.call("/dashboard/api/history?minutes=129600")).status).toBe(200);
});

test("a socket ends with its key", async () => {
  const expiresAt = new Date(Date.now() + 10_000).toISOString();
  const short = await startFleet({
    keys: [{ id: "short", scopes: ["admin"], expiresAt }],
    endpoints: [{ id: "near", region: "us-east" }],
  });
  try {
    const { cookie } = await signIn({ router: short.router, key: short.keyOf("short") });
    const watcher = watch(short.router.url, { cookie });
    await watcher.frame(() => true);
    expect(await watcher.closed).toEqual({ code: 4401, reason: "The session is over. Sign in again." });
    expect(watcher.frames.at(-1)?.atMs).toBeLessThan(Date.parse(expiresAt) + 1_000);
  } finally {
    await short.close();
  }
});

test("switched off, nothing of it is there, and no session is taken", async () => {
  const off = await startFleet({
    pepper: fleet.pepper,
    config: { sight: { dashboard: false } },
    endpoints: [{ id: "near", region: "us-east" }],
  });
  try {
    for (const path of ["/dashboard", "/dashboard/api/session", "/dashboard/api/snapshot"]) {
      const response = await off.call(path);
      expect(response.status).toBe(404);
      expect(await response.text()).toContain("sight.dashboard");
    }
    expect((await fetch(`${off.router.url}/admin/fleet`, { headers: { cookie: operator.cookie } })).status).toBe(401);
  } finally {
    await off.close();
  }
});
