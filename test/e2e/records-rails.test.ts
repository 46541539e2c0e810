/** What the record of a request says of the rails behind its endpoint, and when it is told. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chatStream, chunk, EMAIL, KEY, startOutputStage, tokens } from "../support/output-stage.ts";
import type { OutputStage } from "../support/output-stage.ts";
import type { RawAnswer } from "../support/raw-client.ts";
import { recordOf, recordsIn } from "../support/records.ts";

let stage: OutputStage;
beforeAll(async () => {
  stage = await startOutputStage();
});
afterAll(() => stage.close());

const told = async ({ headers }: RawAnswer) => recordOf(stage.fleet, String(headers["x-request-id"]));
const spoken = (text: string) => ({ pieces: [chatStream(tokens(text))] });
const whole = (text: string) => ({
  contentType: "application/json",
  pieces: [
    JSON.stringify({
      id: "c",
      object: "chat.completion",
      choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
    }),
  ],
});

describe("a stream", () => {
  test("that passes", async () => {
    const record = await told(await stage.answerTo("redacting", spoken("The harbour was quiet.")));
    expect(record).toMatchObject({ outcome: "served", status: 200, stream: true });
    expect(record.rails).toMatchObject([
      { rail: "secrets", stage: "output", action: "allow", rules: [] },
      { rail: "pii", stage: "output", action: "allow", rules: [] },
    ]);
    expect(record.ms.ttft).toBeTypeOf("number");
  });

  test("that is redacted: what was found is known at its end", async () => {
    const record = await told(await stage.answerTo("redacting", spoken(`Write to ${EMAIL}. `)));
    expect(record).toMatchObject({ outcome: "served" });
    expect(record.rails?.[1]).toMatchObject({ rail: "pii", action: "redact", rules: ["pii:email"] });
  });

  test("that a rail ends", async () => {
    const record = await told(
      await stage.answerTo("blocking", spoken(`Use ${KEY} for all of it, and then some more.`)),
    );
    expect(record).toMatchObject({ outcome: "blocked", reason: "blocked_by_guardrail", status: 200 });
    expect(record.rails?.[0]).toMatchObject({ rail: "secrets", action: "block", rules: ["secrets:openai_key"] });
  });

  test("whose client leaves: the rails have not seen its end", async () => {
    const before = recordsIn(stage.fleet).filter(({ outcome }) => outcome === "cancelled").length;
    const speech = { pieces: [chunk({ content: "A word, and " })], ending: "hold" } as const;
    const exchange = stage.ask("redacting", speech);
    await stage.fleet.until(
      async () => exchange.received().length,
      (bytes) => bytes > 0,
    );
    exchange.leave("reset");
    const now = () => recordsIn(stage.fleet).filter(({ outcome }) => outcome === "cancelled");
    await stage.fleet.until(
      async () => now().length,
      (count) => count > before,
    );
    expect(now().at(-1)).toMatchObject({ reason: "client_left" });
  });
});

describe("a whole answer", () => {
  test("that is redacted", async () => {
    const record = await told(await stage.answerTo("redacting", whole(`Write to ${EMAIL}.`)));
    expect(record).toMatchObject({ outcome: "served", stream: false });
    expect(record.rails?.[1]).toMatchObject({ rail: "pii", action: "redact", rules: ["pii:email"] });
  });

  test("that a rail refuses", async () => {
    const record = await told(await stage.answerTo("blocking", whole(`Use ${KEY}.`)));
    expect(record).toMatchObject({ outcome: "blocked", reason: "blocked_by_guardrail", status: 400 });
    expect(record.rails?.[0]).toMatchObject({ rail: "secrets", action: "block" });
    // The endpoint has done its part.
    expect(record.attempts).toMatchObject([{ status: 200 }]);
    expect(record.attempts[0]).not.toHaveProperty("lost");
  });
});

test("no line has what was found", () => {
  expect(stage.fleet.router.output()).not.toContain(KEY.slice(10));
  expect(stage.fleet.router.output()).not.toContain(EMAIL);
});
