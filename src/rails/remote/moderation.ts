/**
 * The rail `moderation`: asks a service that answers as OpenAI's `/v1/moderations` does.
 *
 * `POST {input:[…texts], model?}`; the answer is `{results:[{flagged, categories, category_scores}]}`, one result a
 * text. Without categories in the config a text is a finding if the service calls it flagged; with them, if one of
 * their scores reaches its threshold, whatever the service thinks. Fewer results than texts are no answer: what was not
 * judged must not pass as clean.
 * Source: OpenAI's API reference.
 */
import { NOTHING_FOUND, readModerationAnswer } from "../core/outside-answers.ts";
import { postJson } from "./outside.ts";
import type { OutsideRail } from "./outside.ts";

/** Texts in one call: services bound their lists. What is beyond goes together as the last text. */
const MODERATION_TEXTS_MAX = 32;

export type ModerationOptions = {
  readonly url: string;
  readonly model?: string | undefined;
  readonly categories?: Readonly<Record<string, number>> | undefined;
};

/** `token`: the service's bearer token; null: none is sent. */
export function moderationRail({ url, model, categories }: ModerationOptions, token: string | null): OutsideRail {
  return async ({ input, signal }) => {
    const texts = input.parts.map(({ text }) => text);
    if (texts.length === 0) return NOTHING_FOUND;
    const list =
      texts.length <= MODERATION_TEXTS_MAX
        ? texts
        : [...texts.slice(0, MODERATION_TEXTS_MAX - 1), texts.slice(MODERATION_TEXTS_MAX - 1).join("\n\n")];
    const body = JSON.stringify({ input: list, ...(model === undefined ? {} : { model }) });
    const answer = await postJson(url, { token, body, signal });
    return readModerationAnswer(answer, list.length, categories ?? null);
  };
}
