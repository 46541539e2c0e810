/**
 * The output rails of a pool over the answers of its jobs: what is kept is what a synchronous client would have seen.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { chatStream, chatText, EMAIL, expectPrivate, KEY, startOutputStage, tokens } from "../support/output-stage.ts";
import type { OutputStage } from "../support/output-stage.ts";
import type { Speech } from "../support/speaker.ts";

let stage: OutputStage;
beforeAll(async () => {
  stage = await startOutputStage();
});
afterAll(() => stage.close());

let speeches = 0;

/** Has the pool's endpoint say this to a job, and returns the job's end and its result. */
async function jobAnswer(pool: string, speech: Speech, stream = speech.contentType === undefined) {
  const name = `job-${(speeches += 1)}`;
  stage.speaker.say(name, speech);
  const accepted = await stage.fleet.call("/v1/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json", prefer: "respond-async", "x-speech": name },
    body: JSON.stringify({
      model: pool,
      stream,
      messages: [{ role: "user", content: "x" }],
    }),
  });
  expect(accepted.status).toBe(202);
  await accepted.text();
  const url = accepted.headers.get("location") ?? "";
  const view = async () => (await (await stage.fleet.call(url)).json()) as { readonly status: string };
  const ended = await stage.fleet.until(view, ({ status }) => !["queued", "running", "retrying"].includes(status));
  const result = await stage.fleet.call(`${url}/result`);
  // Its lease lives for ten minutes: only a settlement brings it home in time.
  await stage.leasesAreHome();
  const events = await (await stage.fleet.call(`${url}/events`)).text();
  return { ended: JSON.stringify(ended), status: ended.status, result: await result.text(), events };
}

const whole = (content: string): Speech => ({
  contentType: "application/json",
  pieces: [JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }] })],
});

const streamed = (text: string): Speech => ({
  headers: { "content-type": "text/event-stream" },
  pieces: chatStream(tokens(text)).split(/(?<=\n\n)/),
});

test("a whole answer is redacted before it is kept", async () => {
  const { status, result } = await jobAnswer("redacting", whole(`write to ${EMAIL}`));
  expect(status).toBe("completed");
  expect(result).toContain("write to [REDACTED:email]");
  expectPrivate(result);
});

test("nothing of an answer is changed but what is redacted, be it a number that a double cannot hold", async () => {
  const [text = ""] = whole(`write to ${EMAIL}`).pieces;
  const spoken = String(text).replace("{", '{"created":9007199254740993,');
  const { result } = await jobAnswer("redacting", { contentType: "application/json", pieces: [spoken] });
  expect(result).toBe(spoken.replace(EMAIL, "[REDACTED:email]"));
});

test.each([
  ["a whole answer to who asked for a stream", true, whole(`write to ${EMAIL}`)],
  ["a stream to who asked for none", false, streamed(`write to ${EMAIL} today`)],
])(
  "an endpoint that answers otherwise than it was asked does not get around the rails: %s",
  async (_, stream, speech) => {
    const { status, result, events } = await jobAnswer("redacting", speech, stream);
    expect(status).toBe("completed");
    expect(result).toContain("[REDACTED:email]");
    for (const text of [result, events]) expectPrivate(text);
  },
);

test("a stream is redacted before it is kept, in its chunks and in its result", async () => {
  const { status, result, events } = await jobAnswer(
    "redacting",
    streamed(`The key is ${KEY}, or ask ${EMAIL} today.`),
  );
  expect(status).toBe("completed");
  expect(chatText(Buffer.from(result)).text).toMatch(
    /^The key is \[REDACTED:\S+\], or ask \[REDACTED:email\] today\.$/,
  );
  expectPrivate(result);
  expectPrivate(events);
});

test("a whole answer that is blocked fails its job, names the rail and is kept nowhere", async () => {
  const { status, ended, result, events } = await jobAnswer("blocking", whole(`the key is ${KEY}`));
  expect(status).toBe("failed");
  expect(ended).toContain("secrets");
  for (const text of [ended, result, events]) expectPrivate(text);
});

test("a stream that is blocked ends as a content filter does, and its endpoint is stopped", async () => {
  const { status, result, events } = await jobAnswer("blocking", {
    ...streamed(`the key is ${KEY}, and so on`),
    ending: "hold",
  });
  expect(status).toBe("completed");
  expect(chatText(Buffer.from(result)).finish).toEqual(["content_filter"]);
  for (const text of [result, events]) expectPrivate(text);
  await stage.fleet.until(
    async () => stage.speaker.aborted(),
    (aborted) => aborted > 0,
  );
});

test("what holds nothing is kept as it came", async () => {
  const speech = whole("All is well.");
  expect((await jobAnswer("redacting", speech)).result).toBe(speech.pieces[0]);
});
