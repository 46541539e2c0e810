/** What a GPU worker that pulls hands in meets the output rails of its pool: results, chunks, progress and errors. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { EMAIL, expectPrivate, KEY } from "../support/output-stage.ts";
import { stockWorker } from "../support/stock-worker.ts";

let fleet: Fleet;
beforeAll(async () => {
  const pulled = (output: readonly unknown[]) => ({ jobs: { pull: true }, rails: { input: [], output } });
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    keys: [{ id: "gpu", tenant: "operators", scopes: ["worker"] }],
    morePools: {
      redacting: pulled(["secrets", "pii"]),
      blocking: pulled([{ use: "secrets", action: "block", onMedia: "closed" }]),
      free: pulled([]),
    },
  });
});
afterAll(() => fleet.close());

let workers = 0;

/** A job of the pool that a worker of its own has taken. */
async function taken(pool: string) {
  const worker = stockWorker({ baseUrl: fleet.router.url, pool, id: `w-${(workers += 1)}`, key: fleet.keyOf("gpu") });
  const call = async (path: string, init?: RequestInit): Promise<Record<string, unknown>> =>
    (await (await fleet.call(`/v2/${pool}/${path}`, init)).json()) as Record<string, unknown>;
  const headers = { "content-type": "application/json" };
  const { id } = await call("run", { method: "POST", headers, body: JSON.stringify({ input: { a: 1 } }) });
  const jobId = String(id);
  expect((await worker.take())?.id).toBe(jobId);
  return {
    worker,
    jobId,
    status: async () => call(`status/${jobId}`),
    /** All that it has streamed. */
    chunks: async (): Promise<readonly unknown[]> => {
      const { stream } = (await call(`stream/${jobId}`)) as { stream?: readonly { output: unknown }[] };
      return (stream ?? []).map(({ output }) => output);
    },
    log: async () =>
      fleet.until(
        async () =>
          fleet.router
            .output()
            .split("\n")
            .find((line) => line.includes('"output_rails"') && line.includes(jobId)) ?? "",
        (line) => line !== "",
      ),
  };
}

const pieces = (text: string): readonly string[] => text.match(/.{1,4}/g) ?? [];
const eventOf = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;

describe("a worker's result", () => {
  test("is redacted before it is kept, and the log says so", async () => {
    const { worker, jobId, status, log } = await taken("redacting");
    await worker.done(jobId, { output: { text: `write to ${EMAIL}`, rows: [KEY] } });
    expect(await status()).toMatchObject({
      status: "COMPLETED",
      output: { text: "write to [REDACTED:email]", rows: ["[REDACTED:openai_key]"] },
    });
    expect(await log()).toContain("output.secrets=redact");
  });

  test.each([
    ["a list of tokens", (text: string) => pieces(text)],
    ["a list of events", (text: string) => pieces(text).map(eventOf)],
    ["an event stream as a text", (text: string) => pieces(text).map(eventOf).join("")],
    [
      "JSON as a text",
      (text: string) => `{"k":"${Array.from(text, (char) => `\\u00${char.charCodeAt(0).toString(16)}`).join("")}"}`,
    ],
    ["base64", (text: string) => btoa(text)],
  ])("as %s is read", async (_, write) => {
    const { worker, jobId, status } = await taken("redacting");
    await worker.done(jobId, { output: write(`the key is ${KEY} now`) });
    const shown = await status();
    expect(JSON.stringify(shown)).toContain("[REDACTED:openai_key]");
    expectPrivate(JSON.stringify(shown));
  });

  test("that is blocked fails its job and is kept nowhere", async () => {
    const { worker, jobId, status } = await taken("blocking");
    await worker.done(jobId, { output: [`the key is ${KEY}`] });
    const shown = await status();
    expect(shown["status"]).toBe("FAILED");
    expect(String(shown["error"])).toContain("secrets");
    expectPrivate(JSON.stringify(shown));
  });

  test("that no rail can read fails its job where one must see it, and is told where none must", async () => {
    const file = btoa(Array.from({ length: 900 }, (_, at) => String.fromCharCode(128 + (at % 100))).join(""));
    const closed = await taken("blocking");
    await closed.worker.done(closed.jobId, { output: { image: file } });
    expect((await closed.status())["status"]).toBe("FAILED");
    const open = await taken("redacting");
    await open.worker.done(open.jobId, { output: { image: file } });
    expect(await open.status()).toMatchObject({ status: "COMPLETED", output: { image: file } });
    expect(await open.log()).toContain("output.secrets=rail_error;0;not_read");
  });

  test("in which nothing is found is kept as it came, with numbers that a double cannot hold", async () => {
    const { worker, jobId } = await taken("redacting");
    await worker.done(jobId, { output: { seed: "9007199254740993", ok: true } });
    const text = await (await fleet.call(`/v2/redacting/status/${jobId}`)).text();
    expect(text).toContain('"output":{"seed":"9007199254740993","ok":true}');
  });
});

test("progress and errors of a worker are redacted", async () => {
  const { worker, jobId, status } = await taken("redacting");
  await worker.done(jobId, { status: "IN_PROGRESS", output: `asking ${EMAIL}` });
  expect(await status()).toMatchObject({ status: "IN_PROGRESS", output: "asking [REDACTED:email]" });
  await worker.done(jobId, { error: `no mail for ${EMAIL}` });
  expect(await status()).toMatchObject({ status: "FAILED", error: "no mail for [REDACTED:email]" });
});

describe("what a worker yields", () => {
  const said = `The key is ${KEY}, or ask ${EMAIL} today.`;
  const shown = "The key is [REDACTED:openai_key], or ask [REDACTED:email] today.";

  test("in pieces of text is redacted over them, and what was held comes before the end", async () => {
    const { worker, jobId, chunks } = await taken("redacting");
    for (const piece of pieces(said)) await worker.chunk(jobId, piece);
    await worker.done(jobId, { output: null }, true);
    expect((await chunks()).join("")).toBe(shown);
  });

  test("in objects is redacted over them", async () => {
    const { worker, jobId, chunks } = await taken("redacting");
    for (const token of pieces(said)) await worker.chunk(jobId, { token, n: 1 });
    await worker.done(jobId, { output: null }, true);
    const kept = (await chunks()) as { token: string; n: number }[];
    expect(kept.map(({ token }) => token).join("")).toBe(shown);
    expect(kept.every(({ n }) => n === 1)).toBe(true);
  });

  test("in events as texts is redacted over them", async () => {
    const { worker, jobId, chunks } = await taken("redacting");
    for (const piece of pieces(said)) await worker.chunk(jobId, eventOf(piece));
    await worker.done(jobId, { output: null }, true);
    const kept = (await chunks())
      .map((chunk) => (typeof chunk === "string" ? chunk : `data: ${JSON.stringify(chunk)}\n\n`))
      .join("");
    const texts = [...kept.matchAll(/"content":"([^"]*)"/g)].map(([, text = ""]) => text).join("");
    expect(texts).toBe(shown);
  });

  test("ends its job and stops the worker where a rail blocks", async () => {
    const { worker, jobId, status, chunks } = await taken("blocking");
    const stopping = worker.stops();
    for (const piece of pieces(said)) await worker.chunk(jobId, piece);
    expect(await stopping).toEqual([jobId]);
    const ended = await status();
    expect([ended["status"], String(ended["error"]).includes("guardrail")]).toEqual(["FAILED", true]);
    expectPrivate(JSON.stringify(await chunks()));
  });

  test("is kept as it came where no rail looks", async () => {
    const { worker, jobId, chunks } = await taken("free");
    await worker.chunk(jobId, { n: 1 });
    await worker.chunk(jobId, "two");
    await worker.done(jobId, { output: [] }, true);
    expect(await chunks()).toEqual([{ n: 1 }, "two"]);
  });
});
