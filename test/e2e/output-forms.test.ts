/**
 * No way to say a thing gets around the rails: each form of an answer either does not show it, or its record does not say
 * that the rails allowed it. A rail that fails closed shows it in none.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ANSWER_FORMS, reveals } from "../support/answer-forms.ts";
import type { AnswerForm } from "../support/answer-forms.ts";
import { EMAIL, KEY, startOutputStage } from "../support/output-stage.ts";
import type { OutputStage } from "../support/output-stage.ts";
import type { RawAnswer } from "../support/raw-client.ts";

let stage: OutputStage;
beforeAll(async () => {
  stage = await startOutputStage();
});
afterAll(() => stage.close());

/** In the headers of an answer that was read before it began, else in the line of the log that a stream leaves. */
async function recordOf({ headers }: RawAnswer): Promise<string> {
  const told = String(headers["x-warmpath-rails"] ?? "");
  if (told !== "") return told;
  const id = String(headers["x-request-id"]);
  const line = async (): Promise<string> => {
    const lines = stage.fleet.router.output().split("\n");
    return lines.find((text) => text.includes('"output_rails"') && text.includes(id)) ?? "";
  };
  return stage.fleet.until(line, (text) => text !== "");
}

const notAllowed = /=(?:flag|redact|block|rail_error);|rail_error/;

/** A header has no at sign in its name. */
const isWritten = (said: string, { name }: AnswerForm): boolean => said !== EMAIL || name !== "a header's name";

describe.each([
  ["a key", KEY],
  ["an address", EMAIL],
])("where rails redact, %s", (_, said) => {
  test.each(ANSWER_FORMS.filter((form) => isWritten(said, form)))("$name", async ({ path, speech }) => {
    const answer = await stage.answerTo("redacting", speech(said), { path });
    if (reveals(answer.body, answer.headers, said)) expect(await recordOf(answer)).toMatch(notAllowed);
  });
});

describe("where rails block, and so must see everything", () => {
  test.each(ANSWER_FORMS)("$name", async ({ path, speech }) => {
    const { body, headers } = await stage.answerTo("blocking", speech(KEY), { path });
    expect(reveals(body, headers, KEY)).toBe(false);
  });
});

test("the leases of all of them are home", async () => {
  await stage.leasesAreHome();
});
