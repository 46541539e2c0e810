/** Operators' paths at a door of their own: another listener, or another host name. Elsewhere they are not there at all. */
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROUTES_SERVED } from "../../tools/reference/routes-table.ts";
import { startKeyedRouter } from "../support/keyed-router.ts";
import type { KeyedRouter } from "../support/keyed-router.ts";

type Got = { readonly status: number; readonly code: string };

/** `host`: what the client writes as its Host. */
async function ask(
  port: number,
  method: string,
  path: string,
  key: string | null,
  host = "public.example.com",
): Promise<Got> {
  return new Promise((settle, fail) => {
    const headers = { host, ...(key === null ? {} : { authorization: `Bearer ${key}` }) };
    const asked = request({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      answer.on("end", () => {
        const [, code = ""] = /"code":"([a-z_]+)"/.exec(text) ?? [];
        settle({ status: answer.statusCode ?? 0, code });
      });
    });
    asked.on("error", fail);
    asked.end();
  });
}

const OPERATORS = ROUTES_SERVED.filter(({ path }) => /^\/(?:admin|metrics|dashboard)/.test(path)).map(
  ({ method, path }) => [method, path.replaceAll(/\{[^}]*\}/g, "x")] as const,
);
/** As clients may also spell them. */
const SPELT = ["/metrics/", "//metrics", "/admin", "/admin/", "/%61dmin/fleet", "/dashboard", "/admin/nothing"].map(
  (path) => ["GET", path] as const,
);

describe("a listener of their own", () => {
  let one: KeyedRouter;
  let operators = 0;
  beforeAll(async () => {
    one = await startKeyedRouter({}, { WARMPATH_ADMIN_APART: "1" }, { operatorsListen: "127.0.0.1:0" });
    operators = one.router.operatorsPort ?? 0;
  });
  afterAll(async () => one.close());

  test.each([...OPERATORS, ...SPELT])(
    "%s %s is not found at the public one, with any key or none",
    async (method, path) => {
      const { port } = one.router;
      for (const key of [one.operator, null]) {
        expect(await ask(port, method, path, key)).toEqual({ status: 404, code: "not_found" });
      }
      expect(await ask(port, method, path, one.operator, `127.0.0.1:${operators}`)).toMatchObject({ status: 404 });
    },
  );

  test("is where they are served, by key alone", async () => {
    expect(operators).toBeGreaterThan(0);
    expect((await ask(operators, "GET", "/admin/fleet", one.operator)).status).toBe(200);
    expect((await ask(operators, "GET", "/metrics", one.operator)).status).toBe(200);
    expect((await ask(operators, "GET", "/metrics", null)).status).toBe(401);
  });

  test("leaves clients and health where they were", async () => {
    const { port } = one.router;
    expect((await ask(port, "GET", "/v1/models", one.operator)).status).toBe(200);
    expect((await ask(port, "GET", "/livez", null)).status).toBe(200);
    expect((await one.chat(one.operator)).status).toBe(200);
  });
});

describe("a host name of their own", () => {
  let one: KeyedRouter;
  beforeAll(async () => {
    one = await startKeyedRouter({ admin: { host: "ops.example.com" } });
  });
  afterAll(async () => one.close());

  test("is where alone they are served", async () => {
    const { port } = one.router;
    for (const [path, key] of [
      ["/admin/fleet", one.operator],
      ["/metrics", one.operator],
    ] as const) {
      expect((await ask(port, "GET", path, key, "ops.example.com")).status).toBe(200);
      for (const host of ["api.example.com", "ops.example.com.evil.com", "xops.example.com", "localhost"]) {
        expect(await ask(port, "GET", path, key, host), host).toEqual({ status: 404, code: "not_found" });
      }
    }
    expect((await ask(port, "GET", "/v1/models", one.operator, "api.example.com")).status).toBe(200);
  });
});
