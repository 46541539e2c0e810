/** Who gets into the dashboard, what a session opens, and what it does not. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatKey } from "../../src/wire/api-keys.ts";
import { SIGN_IN_ATTEMPTS_MAX } from "../../src/sight/core/attempts.ts";
import { SESSION_MS_MAX } from "../../src/sight/session.ts";
import { postKey, sessionBegunAt, type SignedIn, signIn } from "../support/dashboard-client.ts";
import { type Fleet, startFleet } from "../support/fleet.ts";
import { idOf, LOG_ALL, recordOf } from "../support/records.ts";

let fleet: Fleet;
let operator: SignedIn;

beforeAll(async () => {
  fleet = await startFleet({
    keys: [
      { id: "caller", scopes: ["infer"] },
      { id: "only-admin", scopes: ["admin"] },
      { id: "old", scopes: ["admin"], expiresAt: "2020-01-01" },
    ],
    config: { ...LOG_ALL, cors: { allowOrigin: "https://app.example.com" } },
    endpoints: [{ id: "near", region: "us-east" }],
  });
  operator = await signIn(fleet);
});

afterAll(() => fleet.close());

const json = { "content-type": "application/json" };
const chat = () =>
  JSON.stringify({ model: fleet.model, stream: true, max_tokens: 3, messages: [{ role: "user", content: "hi" }] });

describe("signing in", () => {
  test("gives a cookie that no script reads, for as long as a session lasts, and says who it is", async () => {
    const response = await postKey(fleet.router.url, fleet.key);
    expect(response.status).toBe(200);
    const cookie = response.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^warmpath=[\w.-]+; Path=\/; Max-Age=28800; HttpOnly; SameSite=Strict$/);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("access-control-allow-origin")).toBe(null);
    const told = (await response.json()) as object;
    expect(told).toMatchObject({ keyId: "test", tenant: "tests", scopes: ["infer", "admin"] });
    const again = await (await operator.call("/dashboard/api/session")).json();
    expect(again).toMatchObject({ keyId: "test", csrf: operator.csrf, expiresAtMs: expect.any(Number) });
  });

  test("fails in one way, whatever was wrong with the key", async () => {
    const stranger = formatKey("test", new Uint8Array(32));
    const keys = ["wp_nonsense", stranger, fleet.keyOf("old"), fleet.keyOf("caller")];
    const answers = keys.map(async (key) => {
      const response = await postKey(fleet.router.url, key);
      const { error } = (await response.json()) as { error: object };
      return { status: response.status, error, cookie: response.headers.get("set-cookie") };
    });
    const [first, ...others] = await Promise.all(answers);
    expect(first).toMatchObject({ status: 401, cookie: null });
    for (const other of others) expect(other).toEqual(first);
  });

  test("is refused to another site's page, to what is no JSON, and to what is too long", async () => {
    const { url } = fleet.router;
    expect((await postKey(url, fleet.key, { origin: "https://evil.example.com" })).status).toBe(403);
    expect((await postKey(url, fleet.key, { "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await postKey(url, 5)).status).toBe(400);
    expect((await postKey(url, "x".repeat(2_000))).status).toBe(413);
  });

  test("stops a flood of guesses at the bound, and lets who has another key in all the same", async () => {
    const guess = formatKey("flooded", new Uint8Array(32).fill(1));
    const statuses: number[] = [];
    for (let count = 0; count < SIGN_IN_ATTEMPTS_MAX; count += 1) {
      statuses.push((await postKey(fleet.router.url, guess)).status);
    }
    expect(new Set(statuses)).toEqual(new Set([401]));
    const refused = await postKey(fleet.router.url, guess);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await postKey(fleet.router.url, fleet.keyOf("only-admin"))).status).toBe(200);
  });
});

describe("a session", () => {
  test("opens what operators ask", async () => {
    for (const path of ["/dashboard/api/snapshot", "/admin/fleet"]) {
      expect((await operator.call(path, { headers: { "x-warmpath-csrf": "" } })).status).toBe(200);
      expect((await operator.call(path, { method: "HEAD" })).status).toBe(200);
    }
  });

  test("opens no path of the API, whatever else the request brings", async () => {
    const tries = [
      ["/v1/chat/completions", { method: "POST", headers: json, body: chat() }],
      ["/v1/models", {}],
      ["/p/main/v1/chat/completions", { method: "POST", headers: json, body: chat() }],
      ["/v2/main/health", {}],
      ["/v1/jobs?pool=main", {}],
      ["/metrics", {}],
      // One spelling is served, and it is this one's.
      ["//v1/models", {}],
    ] as const;
    for (const [path, init] of tries) expect([path, (await operator.call(path, init)).status]).toEqual([path, 401]);
  });

  test("changes nothing without its token, or from elsewhere", async () => {
    const post = { method: "POST" } as const;
    const path = "/admin/endpoints/near/undrain";
    const withHeaders = async (headers: Record<string, string>) => operator.call(path, { ...post, headers });
    expect((await operator.call(path, post)).status).toBe(200);
    expect((await withHeaders({ "x-warmpath-csrf": "" })).status).toBe(403);
    expect((await withHeaders({ "x-warmpath-csrf": `${operator.csrf.slice(0, -2)}AA` })).status).toBe(403);
    const other = await signIn(fleet);
    expect((await withHeaders({ "x-warmpath-csrf": other.csrf })).status).toBe(403);
    expect((await withHeaders({ origin: "https://evil.example.com" })).status).toBe(403);
    expect((await withHeaders({ "sec-fetch-site": "same-site" })).status).toBe(403);
    const { cookie, csrf } = operator;
    const bare = await fetch(fleet.router.url + path, { ...post, headers: { cookie, "x-warmpath-csrf": csrf } });
    expect(bare.status).toBe(403);
    const read = await operator.call("/admin/fleet", { headers: { origin: "https://evil.example.com" } });
    expect(read.status).toBe(403);
  });

  test("is nothing when it was touched, is another's, or is gone", async () => {
    const [claims = "", mac = ""] = operator.cookie.split(".");
    const flipped = `${claims}.${mac.startsWith("A") ? "B" : "A"}${mac.slice(1)}`;
    const payload = claims.replace("warmpath=", "");
    const forged = btoa(atob(payload.replaceAll("-", "+").replaceAll("_", "/")).replace('"test"', '"only-admin"'));
    const cookies = [
      flipped,
      `warmpath=${forged.replaceAll("=", "")}.${mac}`,
      claims,
      `${operator.cookie}.x`,
      "warmpath=",
    ];
    for (const cookie of [...cookies, `${operator.cookie}; ${operator.cookie}`, `warmpath=${"a".repeat(600)}`]) {
      expect([cookie, (await operator.call("/admin/fleet", { headers: { cookie } })).status]).toEqual([cookie, 401]);
    }
  });

  test("does not stand in for a key that was shown and is wrong", async () => {
    const response = await operator.call("/admin/fleet", { headers: { authorization: "Bearer wp_wrong" } });
    expect(response.status).toBe(401);
  });

  test("ends in the browser that signs out", async () => {
    const other = await signIn(fleet);
    expect(
      (await other.call("/dashboard/api/session", { method: "DELETE", headers: { "x-warmpath-csrf": "" } })).status,
    ).toBe(403);
    const response = await other.call("/dashboard/api/session", { method: "DELETE" });
    expect(response.status).toBe(200);
    expect(response.headers.get("set-cookie")).toMatch(/^warmpath=; Path=\/; Max-Age=0; HttpOnly; SameSite=Strict$/);
  });

  test("is refused other methods by name, and a preflight of another site opens nothing to it", async () => {
    const put = await operator.call("/dashboard/api/session", { method: "PUT" });
    expect(put.status).toBe(405);
    expect(put.headers.get("allow")).toBe("GET, DELETE, POST");
    const preflight = await operator.call("/dashboard/api/session", {
      method: "OPTIONS",
      headers: { origin: "https://app.example.com", "access-control-request-method": "POST" },
    });
    expect(preflight.headers.get("access-control-allow-credentials")).toBe(null);
  });
});

describe("the panel to try requests", () => {
  const post = (headers: Record<string, string> = {}) =>
    operator.call("/dashboard/api/try", { method: "POST", headers: { ...json, ...headers }, body: chat() });

  test("streams an answer as the key that is signed in, with the decision; the endpoint sees no cookie and no token", async () => {
    const response = await post({ "x-warmpath-explain": "1" });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-warmpath-endpoint")).toBe("near");
    expect(JSON.parse(response.headers.get("x-warmpath-decision") ?? "null")).toMatchObject({ endpoint: "near" });
    expect(await response.text()).toMatch(/^data: \{.*\n\ndata: \[DONE\]\n\n$/s);
  });

  test("is a request as any other: on record under the path that it asked, counted, and with its tokens", async () => {
    const response = await post();
    await response.text();
    const record = await recordOf(fleet, idOf(response));
    expect(record).toMatchObject({ route: "/v1/chat/completions", outcome: "served", endpoint: "near", keyId: "test" });
    const shown = async (): Promise<readonly string[]> => {
      const frame = (await (await operator.call("/dashboard/api/snapshot")).json()) as {
        readonly decisions: readonly { readonly id: string }[];
      };
      return frame.decisions.map(({ id }) => id);
    };
    await fleet.until(shown, (ids) => ids.includes(record.id));
  });

  test("needs the session's token, a path of the list, and a key that may call models", async () => {
    expect((await post({ "x-warmpath-csrf": "" })).status).toBe(403);
    expect((await operator.call("/dashboard/api/try?path=/admin/fleet", { method: "POST" })).status).toBe(400);
    const admin = await signIn({ router: fleet.router, key: fleet.keyOf("only-admin") });
    expect((await admin.call("/dashboard/api/try", { method: "POST", headers: json, body: chat() })).status).toBe(403);
  });
});

test("a session opens what it opens until it ends, and nothing from then on", async () => {
  const opens = async (begunAtMs: number): Promise<number> => {
    const { name, value } = await sessionBegunAt(fleet, begunAtMs);
    const response = await fetch(`${fleet.router.url}/admin/fleet`, { headers: { cookie: `${name}=${value}` } });
    await response.body?.cancel();
    return response.status;
  };
  expect(await opens(Date.now())).toBe(200);
  // A minute is left of it, and then none.
  expect(await opens(Date.now() - SESSION_MS_MAX + 60_000)).toBe(200);
  expect(await opens(Date.now() - SESSION_MS_MAX)).toBe(401);
});

test("a session ends with its key: gone, made anew under its id, or expired", async () => {
  const soon = new Date(Date.now() + 3_600_000).toISOString();
  const plan = { endpoints: [{ id: "near", region: "us-east" }] } as const;
  const before = await startFleet({ ...plan, keys: [{ id: "second", scopes: ["admin"], expiresAt: soon }] });
  const second = await signIn({ router: before.router, key: before.keyOf("second") });
  const answer = await postKey(before.router.url, before.keyOf("second"));
  const maxAgeS = Number(/Max-Age=(\d+)/.exec(answer.headers.get("set-cookie") ?? "")?.[1]);
  expect(maxAgeS).toBeLessThanOrEqual(3_600);
  const { pepper } = before;
  await before.close();
  // The same pepper; the key is another one, or not there.
  const cases = [[{ id: "second", scopes: ["admin"] }], [], [{ id: "second", scopes: ["infer"] }]] as const;
  for (const keys of cases) {
    const after = await startFleet({ ...plan, keys, pepper });
    const response = await fetch(`${after.router.url}/admin/fleet`, { headers: { cookie: second.cookie } });
    expect(response.status).toBe(401);
    await after.close();
  }
});
