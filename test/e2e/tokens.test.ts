/** Tokens of an issuer that is not ours: made with Node's own crypto, forged in every way that is known. */
import { createHmac, createSign, generateKeyPairSync, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startKeyedRouter } from "../support/keyed-router.ts";
import type { Json, KeyedRouter } from "../support/keyed-router.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwkOf = (key: KeyObject, kid: string, more: Json = {}) => ({ ...key.export({ format: "jwk" }), kid, ...more });

const ISSUER = "https://login.example.com/";
const OPEN_KEY_ISSUER = "https://open-key.example.com";
const part = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

const nowS = (): number => Math.floor(Date.now() / 1_000);
const claims = (more: Json = {}): Json => ({
  iss: ISSUER,
  aud: "warmpath",
  sub: "somebody@example.com",
  tenant: "acme",
  exp: nowS() + 600,
  ...more,
});

function token(payload: Json, head: Json = {}, key: KeyObject = rsa.privateKey, hash = "RSA-SHA256"): string {
  const signed = `${part({ alg: "RS256", kid: "one", ...head })}.${part(payload)}`;
  return `${signed}.${createSign(hash).update(signed).sign(key).toString("base64url")}`;
}

let keySet: Server;
let asked = 0;
/** What the issuer answers with; status 0: nothing, ever. */
let served: { status: number; body: string; headers?: Record<string, string> };
const goodKey = jwkOf(rsa.publicKey, "one", { alg: "RS256" });
const good = () => ({ status: 200, body: JSON.stringify({ keys: [goodKey] }) });
let one: KeyedRouter;

beforeAll(async () => {
  served = good();
  keySet = createServer((_, response) => {
    asked += 1;
    if (served.status === 0) return;
    response.writeHead(served.status, served.headers).end(served.body);
  });
  await new Promise<void>((settle) => keySet.listen(0, "127.0.0.1", settle));
  const jwksUrl = `http://127.0.0.1:${(keySet.address() as AddressInfo).port}/jwks`;
  one = await startKeyedRouter({
    jwt: [
      {
        issuer: ISSUER,
        audience: ["warmpath", "more"],
        jwksUrl,
        algorithms: ["RS256"],
        tenants: ["acme", "umbrella"],
        scopes: { "models:use": "infer", ops: "admin" },
        modelsClaim: "models",
        clockToleranceS: 5,
      },
      {
        issuer: "https://inline.example.com",
        audience: "warmpath",
        keys: [jwkOf(ec.publicKey, "e"), { kty: "oct", k: part("shared"), kid: "shared" }],
        algorithms: ["ES256"],
        tenant: "inline",
      },
      {
        issuer: OPEN_KEY_ISSUER,
        audience: "warmpath",
        // As many issuers publish them: it does not say for which algorithm it is.
        keys: [jwkOf(rsa.publicKey, "open")],
        algorithms: ["RS256"],
        tenant: "inline",
      },
    ],
  });
});
afterAll(async () => {
  await one.close();
  keySet.close();
});
beforeEach(() => {
  served = good();
});

const status = async (value: string): Promise<number> => (await one.ask("GET", "/v1/models", value)).status;
const full = (more: Json = {}): Json => claims({ scope: "models:use", models: ["alpha"], ...more });

describe("a token that is good", () => {
  test("speaks for its tenant, with its scopes and models", async () => {
    const said = await one.ask("GET", "/v1/models", token(full()));
    expect((said.json["data"] as readonly Json[]).map(({ id }) => id)).toEqual(["alpha"]);
    expect((await one.chat(token(full()))).status).toBe(200);
    expect((await one.chat(token(full()), "beta")).status).toBe(404);
    expect((await one.ask("GET", "/admin/fleet", token(full()))).status).toBe(403);
    expect((await one.ask("GET", "/admin/fleet", token(claims({ scope: ["ops"], models: ["alpha"] })))).status).toBe(
      200,
    );
  });

  test.each<[string, Json, number]>([
    ["of one of several audiences", { aud: ["x", "more"] }, 200],
    ["without a scope that means anything here", { scope: "admin infer" }, 403],
    ["whose scope is a member of every object", { scope: "constructor toString" }, 403],
    ["without a scope", { scope: undefined }, 403],
    ["for a tenant that its issuer may not speak for", { tenant: "evil" }, 403],
    ["for no tenant", { tenant: undefined }, 403],
    ["for a tenant that is no name", { tenant: ["acme"] }, 403],
  ])("%s", async (_, more, expected) => {
    expect(await status(token(full(more)))).toBe(expected);
  });

  test("is good within the tolerance of clocks, as long as the config has it", async () => {
    // The tolerance is 5 s, and this machine may be slow: two of them are tried.
    const tried = [await status(token(full({ exp: nowS() - 1 }))), await status(token(full({ exp: nowS() - 1 })))];
    expect(tried).toContain(200);
  });

  test("without a list of models, where one is asked for, has none", async () => {
    const said = await one.ask("GET", "/v1/models", token(full({ models: undefined })));
    expect(said.json["data"]).toEqual([]);
  });

  test("of an issuer whose keys are in the config, with a signature of another kind", async () => {
    const signed = `${part({ alg: "ES256", kid: "e" })}.${part({ iss: "https://inline.example.com", aud: "warmpath", exp: nowS() + 60 })}`;
    const made = sign("sha256", Buffer.from(signed), { key: ec.privateKey, dsaEncoding: "ieee-p1363" });
    expect(await status(`${signed}.${made.toString("base64url")}`)).toBe(200);
  });

  test("is shown in the record as who it is, to whoever may read it", async () => {
    const operator = token(claims({ scope: "ops", models: [] }));
    await one.ask("POST", "/admin/endpoints/none/drain", operator);
    const { json } = await one.ask("GET", "/admin/audit?limit=1000", one.operator);
    const last = (json["data"] as readonly Json[]).at(-1);
    expect(last).toMatchObject({
      subject: "somebody@example.com",
      tenant: "acme",
      keyId: expect.stringMatching(/^jwt-0-/),
    });
  });
});

describe("a token that is forged, or is not for us", () => {
  const publicPem = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();
  const hs = (secret: string): string => {
    const signed = `${part({ alg: "HS256", kid: "one" })}.${part(full())}`;
    return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
  };
  const inlineHs = (kid: string): string => {
    const body = { iss: "https://inline.example.com", aud: "warmpath", exp: nowS() + 60 };
    const signed = `${part({ alg: "HS256", kid })}.${part(body)}`;
    return `${signed}.${createHmac("sha256", "shared").update(signed).digest("base64url")}`;
  };
  const whole = token(full());
  const [head = "", , mac = ""] = whole.split(".");

  test.each<[string, () => string]>([
    ["signed by nobody (alg none)", () => `${part({ alg: "none" })}.${part(full())}.`],
    ["signed by nobody, with a signature of another token", () => `${part({ alg: "none" })}.${part(full())}.${mac}`],
    ["none in other letters", () => `${part({ alg: "NoNe" })}.${part(full())}.${mac}`],
    ["the public key taken for a shared secret (PEM)", () => hs(publicPem)],
    ["the public key taken for a shared secret (modulus)", () => hs(String(rsa.publicKey.export({ format: "jwk" }).n))],
    ["an empty shared secret", () => hs("")],
    ["a shared secret that the config lists among public keys", () => inlineHs("shared")],
    ["signed by another key under the known id", () => token(full(), {}, other.privateKey)],
    [
      "with its own key in its head (jwk)",
      () => token(full(), { jwk: jwkOf(other.publicKey, "one") }, other.privateKey),
    ],
    [
      "with the address of its own keys (jku)",
      () => token(full(), { jku: "https://evil.example.com/jwks" }, other.privateKey),
    ],
    [
      "with the address of its own certificate (x5u)",
      () => token(full(), { x5u: "https://evil.example.com/cert.pem", kid: "two" }, other.privateKey),
    ],
    ["with a key id that is a path", () => token(full(), { kid: "../../../dev/null" }, other.privateKey)],
    ["with a key id that is SQL", () => token(full(), { kid: "one' UNION SELECT 'x" }, other.privateKey)],
    ["whose claims were changed", () => `${head}.${part(full({ tenant: "umbrella" }))}.${mac}`],
    ["of another algorithm of the same key", () => token(full(), { alg: "RS512" })],
    ["for another audience", () => token(full({ aud: "elsewhere" }))],
    ["of another issuer with the same key", () => token(full({ iss: "https://login.example.com" }))],
    ["of the other issuer of ours", () => token(full({ iss: "https://inline.example.com" }))],
    ["that is over", () => token(full({ exp: nowS() - 6 }))],
    ["that never ends", () => token(full({ exp: undefined }))],
    ["that is not yet good", () => token(full({ nbf: nowS() + 60 }))],
    ["whose end is a text", () => token(full({ exp: "never" }))],
    ["that is critical in what nobody knows", () => token(full(), { crit: ["x"], x: 1 })],
    ["that is huge", () => token(full({ more: "x".repeat(20_000) }))],
    ["that is three dots", () => "a.b.c"],
    ["whose claims are no JSON", () => `${head}.${part("{")}.${mac}`],
    ["whose claims are a list", () => `${head}.${part([])}.${mac}`],
  ])("%s", async (_, make) => {
    const before = asked;
    expect(await status(make())).toBe(401);
    expect(asked - before, "a stranger makes the router ask").toBeLessThanOrEqual(1);
  });

  test("of an algorithm that the config does not allow, with a signature that is good and a key that does not say", async () => {
    const signed = (alg: string, hash: string) =>
      token({ iss: OPEN_KEY_ISSUER, aud: "warmpath", exp: nowS() + 60 }, { alg, kid: "open" }, rsa.privateKey, hash);
    expect(await status(signed("RS256", "RSA-SHA256"))).toBe(200);
    expect(await status(signed("RS384", "RSA-SHA384"))).toBe(401);
    expect(await status(signed("RS512", "RSA-SHA512"))).toBe(401);
  });

  test("what is over is told as that, and only to who holds a good signature", async () => {
    const code = async (value: string) => (await one.ask("GET", "/v1/models", value)).json["error"] as Json;
    expect((await code(token(full({ exp: nowS() - 60 }))))["code"]).toBe("key_expired");
    expect((await code(token(full({ exp: nowS() - 60 }), {}, other.privateKey)))["code"]).toBe("invalid_api_key");
  });

  test("made-up key ids have the keys fetched once, and not again and again", async () => {
    const before = asked;
    for (let at = 0; at < 20; at += 1)
      expect(await status(token(full(), { kid: `k${at}` }, other.privateKey))).toBe(401);
    expect(asked - before).toBeLessThanOrEqual(1);
  });
});

describe("an issuer whose keys cannot be had", () => {
  test.each<[string, typeof served]>([
    ["does not answer", { status: 0, body: "" }],
    ["answers an error", { status: 500, body: "" }],
    ["leads elsewhere, which is not followed", { status: 302, body: "", headers: { location: "/jwks" } }],
    ["answers a page", { status: 200, body: "<html>" }],
    ["answers more bytes than a set may have", { status: 200, body: good().body + " ".repeat(65_536) }],
    [
      "answers more keys than a set may have",
      { status: 200, body: JSON.stringify({ keys: Array(101).fill(goodKey) }) },
    ],
    ["answers shared secrets alone", { status: 200, body: JSON.stringify({ keys: [{ kty: "oct", k: "eA" }] }) }],
  ])("%s: nobody is told that a token is wrong", async (_, answer) => {
    served = answer;
    await one.again();
    const said = await one.ask("GET", "/v1/models", token(full()));
    expect([said.status, said.json["error"]]).toEqual([503, expect.objectContaining({ code: "keys_unavailable" })]);
    expect(said.headers.get("retry-after")).not.toBeNull();
    // Keys of ours go on.
    expect(await status(one.operator)).toBe(200);
  });

  test("is asked again once it answers, also after clients that did not wait for it", async () => {
    served = { status: 0, body: "" };
    await one.again();
    // As many as may ask at once, and more; each leaves when its question is there.
    for (let at = 0; at < 6; at += 1) {
      const leaving = new AbortController();
      const before = asked;
      const headers = { authorization: `Bearer ${token(full({ sub: `s${at}` }))}` };
      const asking = fetch(`${one.router.url}/v1/models`, { headers, signal: leaving.signal }).catch(() => undefined);
      await (at < 4 ? expect.poll(() => asked, { timeout: 10_000 }).toBeGreaterThan(before) : asking);
      leaving.abort();
    }
    served = good();
    await expect.poll(async () => status(token(full())), { timeout: 20_000 }).toBe(200);
  });

  test("goes on with the keys it had", async () => {
    await one.again();
    expect(await status(token(full()))).toBe(200);
    served = { status: 500, body: "" };
    expect(await status(token(full({ sub: "another" })))).toBe(200);
  });
});
