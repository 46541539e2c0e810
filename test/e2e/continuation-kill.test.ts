/** `onCut: "continue"` against engines that are processes of their own and are killed (SIGKILL) in the midst of a stream. */
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEngineProcess } from "../support/engine-process.ts";
import type { EngineProcess } from "../support/engine-process.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { openaiOf } from "../support/openai.ts";

const TOKENS = 30;
/** Events with text after which the engine that writes is killed. */
const KILLS = [1, 2, 5, 9, 14, 20, 26, 29];

const MODEL = "test-model";
const FLAGS = ["--preset", "fast", "--inter-token-latency", "20ms"];

const engines = new Map<string, EngineProcess>();
let fleet: Fleet;

beforeAll(async () => {
  for (const id of ["us-a", "eu-a", "ap-a"]) engines.set(id, await startEngineProcess(MODEL, { flags: FLAGS }));
  const endpoint = (id: string, region: "us-east" | "eu-west" | "ap-northeast") => ({
    id,
    region,
    config: { url: engines.get(id)?.url },
  });
  fleet = await startFleet({
    endpoints: [endpoint("us-a", "us-east"), endpoint("eu-a", "eu-west"), endpoint("ap-a", "ap-northeast")],
    pool: { patienceMs: 5_000, onCut: "continue" },
  });
});
afterAll(async () => {
  await fleet.close();
  for (const engine of engines.values()) await engine.kill();
});

/** SIGKILL, and a new process on the same port. */
async function killAndRestart(id: string): Promise<void> {
  const engine = engines.get(id);
  if (engine === undefined) throw new Error(`nobody knows ${id}`);
  await engine.kill();
  engines.set(id, await startEngineProcess(MODEL, { port: new URL(engine.url).port, flags: FLAGS }));
}

/** Reads by the unmodified package; `killAfter`: events with text after which whoever writes is killed. */
async function read(client: OpenAI, killAfter: number | null) {
  const { data: chunks, response } = await client.chat.completions
    .create({ model: fleet.model, stream: true, max_tokens: TOKENS, messages: [{ role: "user", content: "x" }] })
    .withResponse();
  const writer = response.headers.get("x-warmpath-endpoint") ?? "";
  const ids = new Set<string>();
  const ends: string[] = [];
  let restarted: Promise<void> | null = null;
  let text = "";
  let events = 0;
  for await (const chunk of chunks) {
    ids.add(chunk.id);
    const [choice] = chunk.choices;
    if (choice?.finish_reason) ends.push(choice.finish_reason);
    text += choice?.delta.content ?? "";
    if (choice?.delta.content) events += 1;
    if (events === killAfter && restarted === null) restarted = killAndRestart(writer);
  }
  await restarted;
  return { text, ids: ids.size, ends, wasKilled: restarted !== null };
}

test("an engine that is killed anywhere in a stream: the client's package has the whole text, once", async () => {
  const client = openaiOf(fleet);
  const uncut = await read(client, null);
  expect(uncut.text.split(" ")).toHaveLength(TOKENS);
  for (const killAfter of KILLS) {
    const { text, ids, ends, wasKilled } = await read(client, killAfter);
    expect({ killAfter, text, ids, ends, wasKilled }).toEqual({
      killAfter,
      text: uncut.text,
      ids: 1,
      ends: ["length"],
      wasKilled: true,
    });
    // Two of three are to be there when the next one is killed.
    const up = async () =>
      (await fleet.shards(true))
        .flatMap(({ status }) => status?.endpoints ?? [])
        .filter(({ standing }) => standing === "admitting");
    await fleet.until(up, (all) => all.length === engines.size, 30_000);
  }
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
});
