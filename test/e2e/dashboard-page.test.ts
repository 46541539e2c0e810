/** The page's files: what is served, with which headers, and what is not. */
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUNDLE, type Fleet, startFleet } from "../support/fleet.ts";

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({ endpoints: [{ id: "near", region: "us-east" }] });
});
afterAll(() => fleet.close());

/** Nobody shows a key to see a page. */
const get = async (path: string, method = "GET") => fetch(fleet.router.url + path, { method });

const files = readdirSync(join(dirname(BUNDLE), "dashboard")).filter((name) => name !== "index.html");

test("the page loads nothing but this router's own files, and is shown in nobody's frame", async () => {
  const response = await get("/dashboard");
  expect(response.status).toBe(200);
  const { headers } = response;
  expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(headers.get("cache-control")).toBe("no-cache");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
  expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
  expect(headers.get("permissions-policy")).toContain("camera=()");
  const policy = new Map((headers.get("content-security-policy") ?? "").split("; ").map((one) => splitOnce(one)));
  expect(policy.get("default-src")).toBe("'none'");
  expect(policy.get("script-src")).toBe("'self'");
  expect(policy.get("style-src")).toBe("'self'");
  expect(policy.get("connect-src")).toBe("'self'");
  for (const name of ["base-uri", "form-action", "frame-ancestors"]) expect(policy.get(name)).toBe("'none'");
  expect(policy.get("require-trusted-types-for")).toBe("'script'");
  expect(policy.get("trusted-types")).toBe("'none'");
  const html = await response.text();
  expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bon\w+=|style=/);
  for (const [, asked = ""] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
    expect([asked, (await get(asked)).status]).toEqual([asked, 200]);
  }
  expect((await get("/dashboard/")).status).toBe(200);
});

const splitOnce = (text: string): [string, string] => {
  const at = text.indexOf(" ");
  return [text.slice(0, at), text.slice(at + 1)];
};

test("files are named by their content and kept for ever, each as what it is", async () => {
  const types: Record<string, string> = { js: "text/javascript", css: "text/css", svg: "image/svg+xml" };
  expect(files.length).toBeGreaterThanOrEqual(3);
  for (const name of files) {
    const response = await get(`/dashboard/${name}`);
    expect(response.headers.get("content-type")).toContain(types[name.split(".")[1] ?? ""] ?? "none");
    expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(0);
    const head = await get(`/dashboard/${name}`, "HEAD");
    expect([head.status, await head.text()]).toEqual([200, ""]);
  }
});

test("nothing else of the folder, and nothing beside it, is served", async () => {
  const [file = ""] = files;
  const paths = ["/dashboard/index.html", "/dashboard/none-AAAAAAAA.js", `/dashboard/x/${file}`, `/dashboard/${file}/`];
  for (const path of [...paths, "/dashboard/main.js", "/index.html", `/${file}`, "/dashboard/.hidden"]) {
    // The last slash is no part of a path.
    const wanted = path.endsWith("/") ? 200 : 404;
    expect([path, (await get(path)).status]).toEqual([path, wanted]);
  }
  for (const path of ["/dashboard/../worker.js", "/dashboard/%2e%2e/worker.js"]) {
    const response = await get(path);
    expect(response.status).toBeGreaterThanOrEqual(400);
    await response.text();
  }
  for (const method of ["POST", "DELETE", "PUT"]) expect((await get("/dashboard", method)).status).toBe(405);
});

describe("a router without the built page", () => {
  test("says what to run, and serves everything else", async () => {
    const dir = mkdtempSync(join(tmpdir(), "warmpath-test-"));
    const from = dirname(BUNDLE);
    for (const name of readdirSync(from)) if (name.endsWith(".js")) cpSync(join(from, name), join(dir, name));
    writeFileSync(join(dir, "note.txt"), "no folder named dashboard is here");
    const bare = await startFleet({
      bundlePath: join(dir, "worker.js"),
      endpoints: [{ id: "near", region: "us-east" }],
    });
    try {
      const response = await fetch(`${bare.router.url}/dashboard`);
      expect(response.status).toBe(404);
      expect(await response.text()).toContain("npm run build");
      expect((await bare.call("/dashboard/api/snapshot")).status).toBe(200);
    } finally {
      await bare.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
