/**
 * Planted secrets, addresses and orders through random bodies of every protocol against the built bundle. A plant that
 * comes through is a leak, unless the record says that it was not read. `npm run test:fuzz:rails` sends many more; a
 * failure names the seed, which replays it.
 */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRng } from "../../src/lib/rng.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { plantedAnswer } from "../support/rails-fuzz/answers.ts";
import type { PlantedAnswer } from "../support/rails-fuzz/answers.ts";
import { isMembers, textsIn } from "../support/rails-fuzz/plants.ts";
import { harmlessRequest, plantedRequest } from "../support/rails-fuzz/requests.ts";
import type { PlantedRequest } from "../support/rails-fuzz/requests.ts";
import { eventData, rawCall } from "../support/raw-client.ts";
import { startSpeaker } from "../support/speaker.ts";
import type { Speaker } from "../support/speaker.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? "20261130");
/** Requests, and as many answers. */
const PLANTED = Number(process.env["FUZZ_RAILS"] ?? "800");
/** Connections at once. */
const CONCURRENCY = 8;

/** What each pool does about what it finds, and about what it cannot read. */
const RAILS: Readonly<Record<string, { readonly input?: readonly unknown[]; readonly output?: readonly unknown[] }>> = {
  closed: { input: [{ use: "secrets", action: "block" }, { use: "pii", action: "block" }, "injection"] },
  open: { input: ["secrets", "pii", { use: "injection", onError: "open" }] },
  "closed-out": {
    input: [],
    output: [
      { use: "secrets", action: "block" },
      { use: "pii", action: "block" },
    ],
  },
  "open-out": { input: [], output: ["secrets", "pii"] },
};
const IN = ["closed", "open"];
const OUT = ["closed-out", "open-out"];

/** An answer in every protocol that is asked. */
const ANSWER = JSON.stringify({
  id: "a",
  object: "chat.completion",
  type: "message",
  role: "assistant",
  created: 1,
  model: "m",
  status: "completed",
  choices: [{ index: 0, finish_reason: "stop", text: "ok", message: { role: "assistant", content: "ok" } }],
  content: [{ type: "text", text: "ok" }],
  stop_reason: "end_turn",
  output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "ok" }] }],
  data: [{ object: "embedding", index: 0, embedding: [0.5] }],
});

let fleet: Fleet;
let server: Server;
let speaker: Speaker;
/** Bodies that reached the endpoint, by the number that their request had. */
const seen = new Map<string, Buffer>();

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const number = request.headers["x-fuzz"];
      if (typeof number === "string") seen.set(number, Buffer.concat(chunks));
      // Sound is no JSON.
      const type = request.url === "/v1/audio/speech" ? "audio/wav" : "application/json";
      response.writeHead(200, { "content-type": type }).end(ANSWER);
    });
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  speaker = await startSpeaker();
  const pool = (id: string) => ({
    models: [id],
    paths: ["*"],
    endpoints: [
      {
        id: `at-${id}`,
        region: "us-east",
        backend: "openai",
        url: OUT.includes(id) ? speaker.url : url,
        concurrencyPerWorker: 64,
        engineLoad: "off",
      },
    ],
    rails: RAILS[id],
  });
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    morePools: Object.fromEntries([...IN, ...OUT].map((id) => [id, pool(id)])),
  });
});
afterAll(async () => {
  await fleet.close();
  await speaker.close();
  server.closeAllConnections();
  server.close();
});

type Sent = { readonly path: string; readonly headers?: Readonly<Record<string, string>>; readonly body: Buffer };

async function send({ path, headers = {}, body }: Sent, number: string) {
  const own = { authorization: `Bearer ${fleet.key}`, "x-warmpath-place": "us-east", "x-fuzz": number };
  const sent = rawCall(fleet.router.url + path, { method: "POST", headers: { ...headers, ...own }, body });
  const answer = await sent.answer;
  const { status, headers: said, body: received } = answer;
  return { status, rails: String(said["x-warmpath-rails"] ?? ""), id: String(said["x-request-id"]), received };
}

/** Is the plant in what the endpoint was sent. */
function isThrough({ body, pieces }: PlantedRequest, received: Buffer): boolean {
  if (received.equals(body)) return true;
  const text = received.toString();
  const everywhere = `${text}\n${textsIn(parsed(text))}`;
  return pieces.every((piece) => everywhere.includes(piece));
}

/** Is the plant in what a client reads of an answer: in its bytes, in an event, or put together from many. */
function isTold({ pieces }: PlantedAnswer, received: Buffer): boolean {
  const text = received.toString();
  const events = [text, ...text.split("\n"), ...eventData(text)].map(parsed);
  const joined = new Map<string, string>();
  for (const event of events) joinTexts(event, "", joined);
  const everywhere = [text, ...events.map(textsIn), ...joined.values()].join("\n");
  return pieces.every((piece) => everywhere.includes(piece));
}

/** The texts of one member over all events, as a client adds them up. */
function joinTexts(value: unknown, path: string, joined: Map<string, string>): void {
  if (typeof value === "string") joined.set(path, (joined.get(path) ?? "") + value);
  else if (Array.isArray(value)) value.forEach((item, index) => joinTexts(item, `${path}[${index}]`, joined));
  else if (isMembers(value)) for (const name of Object.keys(value)) joinTexts(value[name], `${path}.${name}`, joined);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What is recorded of an answer: in its headers, or in the log where they had gone out before. */
async function recordOf(requestId: string, rails: string): Promise<string> {
  if (rails.includes("output.")) return rails;
  const lineOf = async () =>
    fleet.router
      .output()
      .split("\n")
      .find((one) => one.includes('"output_rails"') && one.includes(requestId));
  // The line is written behind the last byte. Without one there is no record.
  const line = await fleet.until(lineOf, (found) => found !== undefined, 2_000).catch(() => undefined);
  return line === undefined ? "" : String((JSON.parse(line.slice(line.indexOf("{"))) as { rails: string }).rails);
}

/** Does the record say that this rail has not read everything. */
const saysUnread = (rails: string, rail: string): boolean =>
  rails.split(", ").some((entry) => entry.startsWith(`${rail}=`) && /rail_error|not_read/.test(entry));

test(
  `of ${PLANTED} planted requests none passes as read (FUZZ_SEED=${SEED})`,
  { timeout: 60_000 + PLANTED * 60 },
  async () => {
    const rng = seededRng(SEED);
    const calls = Array.from({ length: PLANTED }, () => plantedRequest(rng, IN));
    const leaks: string[] = [];
    const broken: string[] = [];
    const tally = { through: 0, refused: 0, changed: 0 };
    const waiting = calls.entries();
    const worker = async (): Promise<void> => {
      for (const [index, call] of waiting) {
        const { status, rails } = await send(call, `${index}`);
        const received = seen.get(`${index}`);
        seen.delete(`${index}`);
        if (status >= 500) broken.push(`${call.what}: ${status}`);
        if (received === undefined) tally.refused += 1;
        else if (!isThrough(call, received)) tally.changed += 1;
        else {
          tally.through += 1;
          if (!saysUnread(rails, call.plant.rail)) leaks.push(`${call.what}: ${rails}`);
        }
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    expect(leaks).toEqual([]);
    expect(broken).toEqual([]);
    // It is a test only if much was refused, much was changed, and something was passed on and said so.
    const isMuch = [tally.refused > PLANTED * 0.2, tally.changed > PLANTED * 0.05, tally.through > 0];
    expect(isMuch, JSON.stringify(tally)).toEqual([true, true, true]);
  },
);

test(
  `of ${PLANTED} planted answers none passes as read (FUZZ_SEED=${SEED})`,
  { timeout: 60_000 + PLANTED * 60 },
  async () => {
    const rng = seededRng(SEED);
    const calls = Array.from({ length: PLANTED }, (_, index) => {
      const answer = plantedAnswer(rng);
      speaker.say(`answer-${index}`, answer.speech);
      return answer;
    });
    const leaks: string[] = [];
    const tally = { told: 0, kept: 0 };
    const waiting = calls.entries();
    const worker = async (): Promise<void> => {
      for (const [index, call] of waiting) {
        const pool = OUT[index % OUT.length] ?? "open-out";
        const path = call.path === "/v1/chat/completions" ? call.path : `/p/${pool}${call.path}`;
        const isStream = call.speech.contentType?.startsWith("text/event-stream") === true;
        const body = Buffer.from(
          JSON.stringify({ model: pool, stream: isStream, messages: [{ role: "user", content: "x" }] }),
        );
        const headers = { "content-type": "application/json", "x-speech": `answer-${index}` };
        const { id, rails, received } = await send({ path, headers, body }, `out-${index}`);
        if (!isTold(call, received)) tally.kept += 1;
        else {
          tally.told += 1;
          if (!saysUnread(await recordOf(id, rails), `output.${call.plant.rail}`))
            leaks.push(`"${pool}", ${call.what}: ${rails}`);
        }
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    expect(leaks).toEqual([]);
    const isMuch = [tally.kept > PLANTED * 0.2, tally.told > 0];
    expect(isMuch, JSON.stringify(tally)).toEqual([true, true]);
  },
);

test("harmless requests of the same kinds reach the endpoint byte for byte", async () => {
  const rng = seededRng(SEED);
  for (let index = 0; index < 40; index += 1) {
    const call = harmlessRequest(rng, IN[index % IN.length] ?? "open");
    const { status, rails } = await send(
      { ...call, headers: { "content-type": "application/json" } },
      `clean-${index}`,
    );
    expect([call.what, status, rails]).toEqual([call.what, 200, rails]);
    if (!call.path.startsWith("/v2/")) expect(seen.get(`clean-${index}`)?.toString()).toBe(call.body.toString());
  }
});
