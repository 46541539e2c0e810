/** How a service outside is asked: by a real server that hangs up. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

// By a name that the type checker does not follow: the module's types are those of the Workers runtime, not of Node.
const outsideModule = "../../../src/rails/remote/outside.ts";
const { postJson } = (await import(/* @vite-ignore */ new URL(outsideModule, import.meta.url).href)) as {
  postJson: (url: string, question: { body: string; signal: AbortSignal }) => Promise<unknown>;
};

const closing: (() => void)[] = [];
// The machine may take as long as it likes.
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => {
  vi.useRealTimers();
  for (const close of closing.splice(0)) close();
});

/** Hangs up on so many questions, each after `afterMs`, and answers what comes then. */
async function startService(hangsUpOn: number, afterMs = 0) {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    request.resume();
    if (asked > hangsUpOn) return void response.end(JSON.stringify({ verdict: "allow" }));
    vi.setSystemTime(Date.now() + afterMs);
    request.socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked };
}

const question = { body: "{}", signal: new AbortController().signal };

test("a service that hangs up within a second is asked once more", async () => {
  const { url, asked } = await startService(1, 1_000);
  await expect(postJson(url, question)).resolves.toEqual({ verdict: "allow" });
  expect(asked()).toBe(2);
});

test("one that hangs up twice has not answered", async () => {
  const { url, asked } = await startService(2);
  await expect(postJson(url, question)).rejects.toThrow();
  expect(asked()).toBe(2);
});

test("one that hangs up later may have worked at it, and is not asked again", async () => {
  const { url, asked } = await startService(1, 1_001);
  await expect(postJson(url, question)).rejects.toThrow();
  expect(asked()).toBe(1);
});

test("whoever has no time left asks nobody again", async () => {
  const { url, asked } = await startService(1);
  await expect(postJson(url, { ...question, signal: AbortSignal.abort() })).rejects.toThrow();
  expect(asked()).toBe(0);
});
