import { describe, expect, test } from "vitest";
import { cookieIn, originProblem, setCookie } from "../../../src/gateway/dashboard/cookie.ts";

const HTTPS = new URL("https://router.example.com/dashboard");
const PLAIN = new URL("http://router.example.com:8080/dashboard");
const LOOPBACK = new URL("http://127.0.0.1:8787/dashboard");

describe("the cookie", () => {
  test("is bound to its host by its prefix, and Secure, but on a loopback address over plain http", () => {
    const secure = "__Host-warmpath=v; Path=/; Max-Age=5; HttpOnly; SameSite=Strict; Secure";
    expect(setCookie("v", 5, HTTPS)).toBe(secure);
    // Behind a proxy that speaks https the router itself sees http.
    expect(setCookie("v", 5, PLAIN)).toBe(secure);
    expect(setCookie("v", 5, new URL("https://localhost/"))).toBe(secure);
    const loopback = "warmpath=v; Path=/; Max-Age=5; HttpOnly; SameSite=Strict";
    for (const url of [LOOPBACK, new URL("http://localhost:1/"), new URL("http://[::1]:1/")]) {
      expect(setCookie("v", 5, url)).toBe(loopback);
    }
    expect(setCookie("v", 5, new URL("http://127.0.0.1.example.com/"))).toBe(secure);
  });

  test.each([
    [null, HTTPS, null],
    ["__Host-warmpath=a.b", HTTPS, "a.b"],
    ["x=1;  __Host-warmpath=a.b ; y=2", HTTPS, "a.b"],
    // Another host of the site could have set this one.
    ["warmpath=a.b", HTTPS, null],
    ["__Host-warmpath=a; __Host-warmpath=b", HTTPS, null],
    ["warmpath=a.b", LOOPBACK, "a.b"],
    ["warmpath=a; warmpath=b", LOOPBACK, null],
    ["warmpath=", LOOPBACK, ""],
    ["warmpath2=a", LOOPBACK, null],
  ])("%s is read as the session's only under its own name, once", (header, url, cookie) => {
    expect(cookieIn(header, url)).toBe(cookie);
  });
});

describe("where a request with a session comes from", () => {
  const own = "https://router.example.com";
  const cases: readonly (readonly [Record<string, string>, URL, changes: boolean, isGood: boolean])[] = [
    [{ origin: own, "sec-fetch-site": "same-origin" }, HTTPS, true, true],
    [{ origin: own }, HTTPS, true, true],
    [{ "sec-fetch-site": "same-origin" }, HTTPS, true, true],
    [{}, HTTPS, true, false],
    [{}, HTTPS, false, true],
    [{ "sec-fetch-site": "none" }, HTTPS, false, true],
    [{ "sec-fetch-site": "none" }, HTTPS, true, false],
    [{ "sec-fetch-site": "same-site" }, HTTPS, false, false],
    [{ "sec-fetch-site": "cross-site" }, HTTPS, false, false],
    [{ origin: "https://other.example.com" }, HTTPS, false, false],
    [{ origin: "https://other.example.com" }, HTTPS, true, false],
    [{ origin: "null" }, HTTPS, true, false],
    [{ origin: "https://router.example.com:8443" }, HTTPS, true, false],
    // Somebody on the way speaks plain http in its name.
    [{ origin: "http://router.example.com" }, HTTPS, true, false],
    // A proxy in front speaks https.
    [{ origin: "https://router.example.com:8080" }, PLAIN, true, true],
    [{ origin: "http://127.0.0.1:8787" }, LOOPBACK, true, true],
    [{ origin: "http://localhost:8787" }, LOOPBACK, true, false],
  ];
  test.each(cases)("%j to %s, changes %s: %s", (headers, url, changes, isGood) => {
    expect(originProblem(new Headers(headers), url, changes) === null).toBe(isGood);
  });
});
