/**
 * The rail `presidio`: the HTTP service of Presidio's analyzer, which finds personal data by recognisers and a language
 * model, names too.
 *
 * `POST {url}/analyze` with `{text: […], language, entities?, score_threshold?}`, one list of
 * `{entity_type, start, end, score}` for each text; offsets are Python's, in code points. Not a list for each text, a
 * place beyond its text, or a result without a score is no answer.
 * Source: microsoft.github.io/presidio/api-docs/api-docs.html, and the service itself (`presidio-analyzer/app.py`, which
 * takes a list of texts since 2.2.34).
 */
import { isCode, NOTHING_FOUND } from "../core/outside-answers.ts";
import { unitOffsets } from "../core/outside-texts.ts";
import type { FoundSpan } from "../core/rail.ts";
import { postJson } from "./outside.ts";
import type { OutsideRail } from "./outside.ts";
import { isObject } from "../../lib/json-object.ts";

/** Findings of one request: more is a text that should not be sent at all. */
const PRESIDIO_SPANS_MAX = 10_000;

/** So many findings, at about 100 bytes each. */
const PRESIDIO_ANSWER_BYTES_MAX = 1_048_576;

export type PresidioOptions = {
  readonly url: string;
  readonly language: string;
  /** Absent: all that the service knows. */
  readonly entities?: readonly string[] | undefined;
  /** Absent: the service's own. */
  readonly scoreMin?: number | undefined;
};

/** `token`: sent as a bearer token, for who has put the service behind one; null: none is sent. */
export function presidioRail(
  { url, language, entities, scoreMin }: PresidioOptions,
  token: string | null,
): OutsideRail {
  return async ({ input, signal }) => {
    const texts = input.parts.map(({ text }) => text);
    if (texts.length === 0) return NOTHING_FOUND;
    const question = {
      text: texts,
      language,
      ...(entities === undefined ? {} : { entities }),
      ...(scoreMin === undefined ? {} : { score_threshold: scoreMin }),
    };
    const answer = await postJson(`${url.replace(/\/$/, "")}/analyze`, {
      token,
      body: JSON.stringify(question),
      signal,
      bytesMax: PRESIDIO_ANSWER_BYTES_MAX,
    });
    if (!Array.isArray(answer) || answer.length !== texts.length)
      throw new Error("there is not one list for each text");
    const spans = new Map<string, readonly FoundSpan[]>();
    let count = 0;
    for (const [index, { path, text }] of input.parts.entries()) {
      const list: unknown = answer[index];
      if (!Array.isArray(list)) throw new Error("there is not one list for each text");
      count += list.length;
      if (count > PRESIDIO_SPANS_MAX) throw new Error(`there are more than ${PRESIDIO_SPANS_MAX} findings`);
      if (list.length === 0) continue;
      const units = unitOffsets(text);
      spans.set(
        path,
        (list as readonly unknown[]).map((result) => spanOf(result, units)),
      );
    }
    if (spans.size === 0) return NOTHING_FOUND;
    const types = [...spans.values()].flatMap((list) => list.map(({ type }) => `presidio:${type}`));
    return { verdict: "redact", findings: { spans, reasons: [...new Set(types)].sort() } };
  };
}

function spanOf(result: unknown, units: (codePoints: number) => number): FoundSpan {
  if (!isObject(result) || typeof result["score"] !== "number") throw new Error("a finding has no score");
  const { entity_type: entity, start, end } = result;
  if (!isOffset(start) || !isOffset(end) || end <= start) throw new Error("a finding has no place");
  const span = { start: units(start), end: units(end) };
  if (Number.isNaN(span.end)) throw new Error("a finding lies beyond its text");
  return { ...span, type: isCode(entity) ? entity.toLowerCase().replaceAll("+", "_") : "entity" };
}

const isOffset = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0;
