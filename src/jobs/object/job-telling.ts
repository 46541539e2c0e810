/**
 * A job that asks in Responses or Messages, at an endpoint that speaks chat completions alone: asked in those, and its answer told
 * back before it is kept, as at the gateway. A part of the bundle that such jobs load.
 *
 * Rails stand before it: they read what the endpoint wrote.
 */
import { speechOf } from "../../dispatch/speech.ts";
import type { Asked } from "../../dispatch/speech.ts";
import type { Speech } from "../../dispatch/outgoing.ts";
import { parsed } from "../../translate/core/json.ts";
import { toldStream, toldWhole } from "../../translate/core/told.ts";
import type { TextRun } from "../../translate/core/told.ts";
import { TRANSLATIONS } from "../../translate/core/translations.ts";
import type { Spoken } from "../../translate/core/translations.ts";

export type JobTelling = {
  readonly speech: Speech;
  /** Where it is then asked: rails read the answer by it. */
  readonly path: string;
  /** How the answer of that endpoint is told; null: it speaks the job's protocol. */
  readonly backFrom: (endpointId: string) => JobBack | null;
};

export type JobBack = {
  readonly run: () => TextRun;
  /** Null: it is neither an answer nor an error. */
  readonly whole: (status: number, text: string) => string | null;
};

export function jobTelling(spoken: Spoken): JobTelling {
  const translation = TRANSLATIONS[spoken];
  const asked = new Map<string, Asked>();
  return {
    speech: speechOf(spoken, asked),
    path: translation.path,
    backFrom(endpointId) {
      const told = asked.get(endpointId);
      if (told === undefined) return null;
      const back = translation.back(told.body, told.chat.body);
      return {
        run: () => toldStream(back.stream()),
        whole(status, text) {
          const value = toldWhole(translation, back, status, parsed(text));
          return value === null ? null : JSON.stringify(value);
        },
      };
    },
  };
}
