/** How `npm run serve` ends: by signals to npm and to node, with streams open, and by kill -9. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startModelServer } from "../support/model-server.ts";
import type { ModelServer } from "../support/model-server.ts";
import { rawCall } from "../support/raw-client.ts";
import { connect, startSocketEndpoint } from "../support/socket-fleet.ts";
import { alive, allGone, endServed, failServe, startServe } from "../support/serve.ts";
import type { Served } from "../support/serve.ts";

let model: ModelServer;
beforeEach(async () => {
  model = await startModelServer({ holds: true, words: ["warm", " path"] });
});
afterEach(async () => {
  await endServed();
  await model.close();
});

const pools = () => ({ main: { endpoints: [{ id: "a", region: "here", backend: "openai", url: model.url }] } });

const openai = ({ url, key }: Served) => new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });

const question = { model: "main", messages: [{ role: "user" as const, content: "Where is the warm path?" }] };

/** A stream whose first word is here. */
async function openStream(served: Served) {
  const stream = await openai(served).chat.completions.create({ ...question, stream: true });
  const words = stream[Symbol.asyncIterator]();
  const first = await words.next();
  expect(first.value?.choices[0]?.delta.content).toBe("warm");
  return words;
}

async function rest(words: AsyncIterator<OpenAI.ChatCompletionChunk>): Promise<string> {
  let text = "";
  for (let next = await words.next(); next.done !== true; next = await words.next())
    text += next.value.choices[0]?.delta.content ?? "";
  return text;
}

const status = async (url: string, init?: RequestInit): Promise<number> => (await fetch(url, init)).status;

/** The one that gets the signal, by name. */
const receivers = [
  ["npm", ({ npm }: Served) => npm.pid ?? 0],
  ["node", ({ nodePid }: Served) => nodePid],
] as const;

describe.each(receivers)("a signal to %s", (_, pidOf) => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s: the open stream goes on to its end, then all of it ends",
    async (signal) => {
      const served = await startServe({ pools: pools() });
      const pids = served.pids();
      expect(alive(pids).length).toBeGreaterThanOrEqual(4);
      const words = await openStream(served);
      process.kill(pidOf(served), signal);
      await served.says("nothing new is taken");
      // Whoever looks is told at once, and who comes is told to come back.
      expect(await status(`${served.url}/readyz`)).toBe(503);
      expect(await status(`${served.url}/livez`)).toBe(200);
      const late = await fetch(`${served.url}/v1/models`, { headers: { authorization: `Bearer ${served.key}` } });
      const { error } = (await late.json()) as { error: { code: string } };
      expect([late.status, error.code, late.headers.get("retry-after")]).toEqual([503, "shutting_down", "1"]);
      model.goOn();
      expect(await rest(words)).toBe(" path");
      expect((await served.ended).code).toBe(0);
      await allGone(pids);
    },
  );
});

describe("what is still open when its time is over", () => {
  test("an openai client reads the error event, and the end is a clean one", async () => {
    const served = await startServe({ pools: pools(), args: ["--drain-ms", "200"] });
    const pids = served.pids();
    const words = await openStream(served);
    served.npm.kill("SIGTERM");
    const failure = await rest(words).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OpenAI.APIError);
    expect(failure).toMatchObject({ code: "shutting_down" });
    expect((await served.ended).code).toBe(0);
    expect(served.output()).toContain("1 still open after 200 ms");
    await allGone(pids);
  });

  test("the bytes end with one error event and [DONE], and the connection is not broken", async () => {
    const served = await startServe({ pools: pools(), args: ["--drain-ms", "100"] });
    const headers = { authorization: `Bearer ${served.key}`, "content-type": "application/json" };
    const body = JSON.stringify({ ...question, stream: true });
    const begun = Promise.withResolvers<void>();
    const onProgress = () => begun.resolve();
    const call = rawCall(`${served.url}/v1/chat/completions`, { method: "POST", headers, body, onProgress });
    await begun.promise;
    served.npm.kill("SIGTERM");
    const answer = await call.answer;
    expect(answer.whole).toBe(true);
    const events = answer.body.toString().trim().split(/\n\n+/);
    expect(events.slice(-2)).toEqual([expect.stringContaining(`"code":"shutting_down"`), "data: [DONE]"]);
    expect(answer.body.toString().match(/"error"/g)).toHaveLength(1);
    await served.ended;
  });

  test("a whole answer that is still being made is refused, to be asked for again", async () => {
    const served = await startServe({ pools: pools(), args: ["--drain-ms", "100"] });
    const answer = openai(served)
      .chat.completions.create(question)
      .catch((error: unknown) => error);
    while (model.open() === 0) await new Promise((settle) => setTimeout(settle, 10));
    served.npm.kill("SIGTERM");
    expect(await answer).toMatchObject({ status: 503, code: "shutting_down" });
    expect((await served.ended).code).toBe(0);
  });

  test("through output rails the client reads the same error event", async () => {
    const { main } = pools();
    const railed = { main: { ...main, rails: { output: ["secrets", "links"] } } };
    const served = await startServe({ pools: railed, args: ["--drain-ms", "100"] });
    const stream = await openai(served).chat.completions.create({ ...question, stream: true });
    served.npm.kill("SIGTERM");
    const failure = await rest(stream[Symbol.asyncIterator]()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "shutting_down" });
    expect((await served.ended).code).toBe(0);
  });

  test("a WebSocket is closed with 1012 on both sides", async () => {
    const endpoint = await startSocketEndpoint();
    const entry = { id: "s", region: "here", backend: "openai", url: endpoint.url };
    const sockets = { paths: ["*"], rails: { input: [] }, endpoints: [entry] };
    const served = await startServe({ pools: { sockets }, args: ["--drain-ms", "100"] });
    const { socket, nth, closed } = await connect({ router: served, key: served.key }, "/p/sockets/echo");
    socket.send("hello");
    await nth(1);
    served.npm.kill("SIGTERM");
    expect(await closed).toEqual({ code: 1012, reason: "The router is shutting down. Connect again." });
    expect((await served.ended).code).toBe(0);
    expect((await endpoint.seen()).closed).toMatchObject([{ code: 1012 }]);
    await endpoint.kill();
  });

  test("a second signal ends it at once, however long it was given", async () => {
    const served = await startServe({ pools: pools(), args: ["--drain-ms", "3600000"] });
    const pids = served.pids();
    const words = await openStream(served);
    process.kill(served.nodePid, "SIGTERM");
    await served.says("nothing new is taken");
    const pressing = setInterval(() => process.kill(served.nodePid, "SIGTERM"), 20);
    await expect(rest(words)).rejects.toThrow();
    clearInterval(pressing);
    expect((await served.ended).code).toBe(143);
    await allGone(pids);
  });

  test("a signal that arrives twice at once is one", async () => {
    const served = await startServe({ pools: pools(), args: ["--drain-ms", "3600000"] });
    const words = await openStream(served);
    for (let times = 0; times < 2; times += 1) process.kill(served.nodePid, "SIGTERM");
    await served.says("nothing new is taken");
    model.goOn();
    expect(await rest(words)).toBe(" path");
    expect((await served.ended).code).toBe(0);
  });
});

describe("jobs", () => {
  const submit = async ({ url, key }: Served): Promise<string> => {
    const accepted = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", prefer: "respond-async" },
      body: JSON.stringify(question),
    });
    expect(accepted.status).toBe(202);
    return accepted.headers.get("location") ?? "";
  };
  const view = async ({ url, key }: Served, place: string) => {
    const answer = await fetch(url + place, { headers: { authorization: `Bearer ${key}` } });
    return (await answer.json()) as { status: string; attempts: number };
  };
  const one = () => ({ main: { ...pools().main, jobs: { limits: { globalLimit: 1 } } } });

  test("that run are waited for, those that wait are not begun, and both are there after the next start", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "warmpath-jobs-of-serve-"));
    try {
      const served = await startServe({ pools: one(), stateDir });
      const running = await submit(served);
      while (model.open() === 0) await new Promise((settle) => setTimeout(settle, 10));
      const waiting = await submit(served);
      served.npm.kill("SIGTERM");
      await served.says("nothing new is taken");
      model.goOn();
      expect((await served.ended).code).toBe(0);
      expect(model.asked()).toBe(1);
      const again = await startServe({ pools: one(), stateDir });
      expect(await view(again, running)).toMatchObject({ status: "completed", attempts: 1 });
      while (model.open() === 0) await new Promise((settle) => setTimeout(settle, 10));
      model.goOn();
      while ((await view(again, waiting)).status !== "completed") await new Promise((settle) => setTimeout(settle, 20));
      expect(model.asked()).toBe(2);
    } finally {
      await endServed();
      rmSync(stateDir, { recursive: true, force: true });
    }
  });

  test("that run on are begun again after the next start", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "warmpath-jobs-of-serve-"));
    try {
      const served = await startServe({ pools: one(), stateDir, args: ["--drain-ms", "100"] });
      const running = await submit(served);
      while (model.open() === 0) await new Promise((settle) => setTimeout(settle, 10));
      served.npm.kill("SIGTERM");
      expect((await served.ended).code).toBe(0);
      const again = await startServe({ pools: one(), stateDir });
      while (model.asked() < 2) await new Promise((settle) => setTimeout(settle, 10));
      model.goOn();
      while ((await view(again, running)).status !== "completed") await new Promise((settle) => setTimeout(settle, 20));
    } finally {
      await endServed();
      rmSync(stateDir, { recursive: true, force: true });
    }
  });
});

describe("nobody is left behind", () => {
  test.each([
    ["node is killed", ({ nodePid }: Served) => nodePid],
    ["npm is killed", ({ npm }: Served) => npm.pid ?? 0],
  ])("when %s", async (_, pidOf) => {
    const served = await startServe({ pools: pools() });
    const pids = served.pids();
    process.kill(pidOf(served), "SIGKILL");
    await allGone(pids);
    await expect(fetch(`${served.url}/livez`)).rejects.toThrow();
  });

  test("when a service manager sends its signal to every process at once", async () => {
    const served = await startServe({ pools: pools() });
    const pids = served.pids();
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGTERM");
      } catch {
        // The end of those before it has ended this one meanwhile.
      }
    }
    await allGone(pids);
  });
});

test("--drain-ms is checked", async () => {
  expect(await failServe({ pools: pools(), args: ["--drain-ms", "3600001"] })).toContain(
    "--drain-ms must be 0 to 3600000",
  );
});
