/**
 * The rail `bedrock-guardrails`: a guardrail of Amazon Bedrock, without a model (ApplyGuardrail).
 *
 * `POST {url}/guardrail/{id}/version/{version}/apply` with `{source: "INPUT", content: [{text: {text}}]}`. The answer's
 * `action` is NONE or GUARDRAIL_INTERVENED, and its assessments name what was found and what the guardrail does about
 * it. Where all that is personal data to be masked, the matches are looked for in the texts and redacted; else it is a
 * block. Characters that the guardrail says it has not looked at make the answer none. The secret is a Bedrock API key,
 * sent as a bearer token, so nothing is signed here.
 * Source: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html, …/API_runtime_GuardrailAssessment.html
 * and docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html. Rejected: Signature Version 4, two secrets and a
 * signer where one key does.
 */
import { isCode, NOTHING_FOUND } from "../core/outside-answers.ts";
import type { OutsideAnswer } from "../core/outside-answers.ts";
import { addFound, piecesOf } from "../core/outside-texts.ts";
import type { Piece } from "../core/outside-texts.ts";
import type { FoundSpan } from "../core/rail.ts";
import { OUTSIDE_CALLS_MAX, postJson } from "./outside.ts";
import type { OutsideRail } from "./outside.ts";
import { isObject } from "../../lib/json-object.ts";

/** 25 text units of 1,000 characters: what an account may have judged in a second unless it asked for more. */
const BEDROCK_CHARS_MAX = 25_000;

export type BedrockOptions = {
  /** Of the service in its region, without a path. */
  readonly url: string;
  /** Its id, or its ARN. */
  readonly guardrail: string;
  readonly version: string;
};

export function bedrockRail({ url, guardrail, version }: BedrockOptions, key: string): OutsideRail {
  const path = `guardrail/${encodeURIComponent(guardrail)}/version/${encodeURIComponent(version)}/apply`;
  return async ({ input, signal }) => {
    const spans = new Map<string, FoundSpan[]>();
    const reasons = new Set<string>();
    for (const piece of piecesOf(input.parts, BEDROCK_CHARS_MAX, OUTSIDE_CALLS_MAX)) {
      const body = JSON.stringify({ source: "INPUT", content: [{ text: { text: piece.text } }] });
      const answer = await postJson(`${url.replace(/\/$/, "")}/${path}`, { token: key, body, signal });
      const found = read(answer);
      for (const { name } of found) reasons.add(`bedrock:${name}`);
      if (found.some(({ match }) => match === null)) return answerOf("block", new Map(), reasons);
      for (const { name, match } of found) addMatches(spans, piece, match ?? "", name);
    }
    return spans.size === 0 ? NOTHING_FOUND : answerOf("redact", spans, reasons);
  };
}

const answerOf = (
  verdict: OutsideAnswer["verdict"],
  spans: ReadonlyMap<string, readonly FoundSpan[]>,
  reasons: ReadonlySet<string>,
): OutsideAnswer => ({ verdict, findings: { spans, reasons: [...reasons].sort() } });

/** `match`: what is to be masked; null: the guardrail blocks. */
type Found = { readonly name: string; readonly match: string | null };

function read(answer: unknown): readonly Found[] {
  if (!isObject(answer) || (answer["action"] !== "NONE" && answer["action"] !== "GUARDRAIL_INTERVENED"))
    throw new Error("the answer has no action");
  if (!isCovered(answer["guardrailCoverage"])) throw new Error("not all characters were looked at");
  if (answer["action"] === "NONE") return [];
  const { assessments } = answer;
  const found = (Array.isArray(assessments) ? (assessments as readonly unknown[]) : []).flatMap(findingsOf);
  // It has intervened for something that is not known here.
  return found.length > 0 ? found : [{ name: "intervened", match: null }];
}

function isCovered(coverage: unknown): boolean {
  const characters = isObject(coverage) ? coverage["textCharacters"] : undefined;
  if (characters === undefined || characters === null) return true;
  if (!isObject(characters)) return false;
  const { guarded, total } = characters;
  return typeof guarded === "number" && typeof total === "number" && guarded >= total;
}

/** Policies hold lists of findings, each with an action; "NONE" is one that the guardrail only tells. */
function findingsOf(assessment: unknown): readonly Found[] {
  if (!isObject(assessment)) throw new Error("an assessment says nothing");
  return Object.entries(assessment).flatMap(([policy, lists]) =>
    isObject(lists) && policy.endsWith("Policy")
      ? Object.values(lists).flatMap((list) => (Array.isArray(list) ? (list as unknown[]).flatMap(foundIn) : []))
      : [],
  );
}

function foundIn(finding: unknown): readonly Found[] {
  if (!isObject(finding) || (finding["action"] !== "BLOCKED" && finding["action"] !== "ANONYMIZED")) return [];
  const { action, match } = finding;
  // A word's own text is no name for it.
  const name = [finding["name"], finding["type"], "word"].find(isCode) ?? "word";
  const isMasked = action === "ANONYMIZED" && typeof match === "string" && match !== "";
  return [{ name: name.replaceAll("+", "_"), match: isMasked ? match : null }];
}

/** Every place of what was matched. Throws if there is none: then the answer is about another text. */
function addMatches(spans: Map<string, FoundSpan[]>, piece: Piece, match: string, type: string): void {
  let at = piece.text.indexOf(match);
  if (at < 0) throw new Error("a match lies in no text of the request");
  for (; at >= 0; at = piece.text.indexOf(match, at + match.length)) {
    addFound(spans, piece, { start: at, end: at + match.length, type });
  }
}
