import { describe, expect, test } from "vitest";
import { callService, egress, endpointUrl, isOf } from "../../backends/egress.ts";
import type { Call } from "../../backends/port.ts";
import { targetAt } from "./contract.ts";
import { startAnswering } from "./odd-server.ts";

const call = (path: string | null, headers: Call["headers"] = {}): Call => ({
  method: "GET",
  path,
  headers,
  body: null,
  signal: new AbortController().signal,
});

describe("the URL of a path at an endpoint", () => {
  test.each([
    ["https://gpu.example", "/v1/chat/completions", "https://gpu.example/v1/chat/completions"],
    ["https://gpu.example/prefix", "/v1/models?limit=1&x=%2F", "https://gpu.example/prefix/v1/models?limit=1&x=%2F"],
    ["https://gpu.example/prefix", "/", "https://gpu.example/prefix/"],
    ["http://127.0.0.1:8000", "/a%20b/%C3%A9;x=1/@c:d", "http://127.0.0.1:8000/a%20b/%C3%A9;x=1/@c:d"],
  ])("%s and %s make %s", (base, path, url) => {
    expect(endpointUrl(base, path)).toBe(url);
  });

  test.each([
    ["a host behind an @", "https://gpu.example", "@evil.example/x"],
    ["a port", "http://127.0.0.1", ":80@evil.example/x"],
    ["more of the host", "https://gpu.example", ".evil.example/x"],
    ["dots that leave the base path", "https://gpu.example/prefix", "/../x"],
    ["encoded dots", "https://gpu.example/prefix", "/%2e%2e/x"],
    ["backslashes", "https://gpu.example/prefix", "/..\\x"],
    ["an encoded slash", "https://gpu.example/prefix", "/..%2fx"],
    ["two slashes", "https://gpu.example", "//evil.example/x"],
    ["another URL", "https://gpu.example", "https://evil.example/x"],
    ["a fragment", "https://gpu.example", "/x#y"],
    ["a line break", "https://gpu.example", "/x\r\nhost: evil.example"],
    ["nothing", "https://gpu.example", ""],
    ["a spelling that is not the one", "https://gpu.example", "/%41"],
  ])("%s makes none", (_, base, path) => {
    expect(endpointUrl(base, path)).toBeNull();
  });
});

describe("a parsed URL is the endpoint's", () => {
  const own = new URL("https://gpu.example:8443/prefix/");
  test("at its origin, below its path, with nothing else to it", () => {
    expect(isOf(own, new URL("https://gpu.example:8443/prefix/x?y=1"), "/x")).toBe(true);
  });

  test.each([
    ["another host", "https://evil.example:8443/prefix/x"],
    ["a host that ends like it", "https://evil-gpu.example:8443/prefix/x"],
    ["another port", "https://gpu.example/prefix/x"],
    ["another scheme", "http://gpu.example:8443/prefix/x"],
    ["a user", "https://user@gpu.example:8443/prefix/x"],
    ["a password", "https://:word@gpu.example:8443/prefix/x"],
    ["another path", "https://gpu.example:8443/prefix/y"],
    ["a path beside its own", "https://gpu.example:8443/x"],
    ["a longer path", "https://gpu.example:8443/prefix/x/y"],
    ["a fragment", "https://gpu.example:8443/prefix/x#y"],
  ])("and not with %s", (_, url) => {
    expect(isOf(own, new URL(url), "/x")).toBe(false);
  });
});

describe("what leaves", () => {
  test("follows no redirect", async () => {
    const elsewhere = await startAnswering(200);
    const server = await startAnswering(307, "", { location: elsewhere.url });
    const response = await egress(targetAt(server.url, server.url), call("/x"));
    await response.body?.cancel();
    const posted = await callService(server.url, "token", { ...call(null), method: "POST", body: "x" });
    await posted.body?.cancel();
    expect([response.status, posted.status, elsewhere.asked]).toEqual([307, 307, []]);
  });

  test("has the endpoint's credential, whatever else the caller brings", async () => {
    const server = await startAnswering(200);
    const target = targetAt(server.url, `${server.url}/health`);
    await egress(target, call("/work", { authorization: "Bearer other" }));
    await egress(target, call(null));
    await egress({ ...target, authorization: null }, call("/none", { authorization: "Bearer other" }));
    expect(server.asked.map(({ url, authorization }) => [url, authorization])).toEqual([
      ["/work", "Bearer work"],
      ["/health", "Bearer health"],
      ["/none", null],
    ]);
  });

  test("is nothing at all when the path would lead elsewhere", async () => {
    const [server, evil] = [await startAnswering(200), await startAnswering(200)];
    const path = `@${new URL(evil.url).host}/x`;
    await expect(egress(targetAt(server.url, server.url), call(path))).rejects.toThrow("would leave its endpoint");
    expect([server.asked, evil.asked]).toEqual([[], []]);
  });
});
