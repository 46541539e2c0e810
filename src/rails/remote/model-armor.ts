/**
 * The rail `model-armor`: a template of Google Cloud's Model Armor, over the prompt (sanitizeUserPrompt).
 *
 * `POST {url}/v1/{template}:sanitizeUserPrompt` with `{userPromptData: {text}}`. `sanitizationResult` says with
 * `filterMatchState` whether any filter matched, with `invocationResult` whether all of them ran, and lists each under
 * `filterResults`. Where nothing but sensitive data was found and every finding has its place, that is redacted; any
 * other match is a block. No match of filters that did not all run is no answer. Answers to models' answers
 * (sanitizeModelResponse) have the same shape; rails over answers ask nobody, so it is not called.
 *
 * The secret is an access token, which lives for an hour, or the JSON key of a service account, with which a token is
 * signed here when one is needed.
 * Source: docs.cloud.google.com/model-armor/reference/rest/v1/SanitizationResult, …/sanitize-prompts-responses, and
 * google.aip.dev/auth/4111 (self-signed JWTs).
 */
import { isCode, NOTHING_FOUND } from "../core/outside-answers.ts";
import type { OutsideAnswer } from "../core/outside-answers.ts";
import { addFound, piecesOf, unitOffsets } from "../core/outside-texts.ts";
import type { Piece } from "../core/outside-texts.ts";
import type { FoundSpan } from "../core/rail.ts";
import { tokenSource } from "./google-token.ts";
import { OUTSIDE_CALLS_MAX, postJson } from "./outside.ts";
import type { OutsideRail } from "./outside.ts";
import { isObject } from "../../lib/json-object.ts";

/** Below the least number of tokens that one of its filters reads, 10,000, for text of two characters a token. */
const ARMOR_CHARS_MAX = 20_000;

export type ModelArmorOptions = {
  /** Of the service in its location, without a path. */
  readonly url: string;
  /** `projects/…/locations/…/templates/…` */
  readonly template: string;
};

export function modelArmorRail({ url, template }: ModelArmorOptions, secret: string): OutsideRail {
  const tokenNow = tokenSource(secret);
  return async ({ input, signal }) => {
    const spans = new Map<string, FoundSpan[]>();
    const reasons = new Set<string>();
    for (const piece of piecesOf(input.parts, ARMOR_CHARS_MAX, OUTSIDE_CALLS_MAX)) {
      const body = JSON.stringify({ userPromptData: { text: piece.text } });
      const at = `${url.replace(/\/$/, "")}/v1/${template}:sanitizeUserPrompt`;
      const answer = await postJson(at, { token: await tokenNow(Date.now()), body, signal });
      const matched = matchedBy(answer);
      for (const { name } of matched) reasons.add(`model-armor:${name}`);
      const places = matched.flatMap(({ findings }) => findings);
      if (matched.some(({ findings }) => findings.length === 0))
        return { verdict: "block", findings: { spans: new Map(), reasons: [...reasons].sort() } };
      addPlaces(spans, piece, places);
    }
    return spans.size === 0 ? NOTHING_FOUND : redacts(spans, reasons);
  };
}

const redacts = (spans: ReadonlyMap<string, readonly FoundSpan[]>, reasons: ReadonlySet<string>): OutsideAnswer => ({
  verdict: "redact",
  findings: { spans, reasons: [...reasons].sort() },
});

/** `findings`: places of sensitive data, in code points; empty: the filter says only that it matched. */
type Match = { readonly name: string; readonly findings: readonly FoundSpan[] };

function matchedBy(answer: unknown): readonly Match[] {
  const result = isObject(answer) ? answer["sanitizationResult"] : null;
  if (!isObject(result)) throw new Error("there is no result");
  const { filterMatchState: state, invocationResult: ran, filterResults: filters } = result;
  if (state !== "MATCH_FOUND" && state !== "NO_MATCH_FOUND") throw new Error("the answer says neither match nor none");
  if (state === "NO_MATCH_FOUND") {
    if (ran !== "SUCCESS" || hasSkipped(filters, 0)) throw new Error("not all filters have run");
    return [];
  }
  const matches = Object.entries(isObject(filters) ? filters : {}).flatMap(([name, filter]) =>
    hasMatch(filter, 0) ? [{ name: isCode(name) ? name : "filter", findings: findingsIn(filter) }] : [],
  );
  return matches.length > 0 ? matches : [{ name: "match", findings: [] }];
}

/** A filter's result is an object in an object, of sensitive data in one more. */
const FILTER_DEPTH_MAX = 4;

function hasState(value: unknown, name: string, state: string, depth: number): boolean {
  if (!isObject(value) || depth > FILTER_DEPTH_MAX) return false;
  return value[name] === state || Object.values(value).some((inner) => hasState(inner, name, state, depth + 1));
}

const hasMatch = (filter: unknown, depth: number): boolean => hasState(filter, "matchState", "MATCH_FOUND", depth);
const hasSkipped = (filters: unknown, depth: number): boolean =>
  hasState(filters, "executionState", "EXECUTION_SKIPPED", depth);

/** Of sensitive data by inspection alone, if all of it has a place. */
function findingsIn(filter: unknown): readonly FoundSpan[] {
  const sdp = isObject(filter) ? filter["sdpFilterResult"] : null;
  const inspected = isObject(sdp) ? sdp["inspectResult"] : null;
  if (!isObject(inspected) || inspected["findingsTruncated"] === true) return [];
  const { findings } = inspected;
  const spans = (Array.isArray(findings) ? (findings as readonly unknown[]) : []).map(placeOf);
  return spans.every((span) => span !== null) ? spans : [];
}

function placeOf(finding: unknown): FoundSpan | null {
  const location = isObject(finding) ? finding["location"] : null;
  const range = isObject(location) ? location["codepointRange"] : null;
  if (!isObject(finding) || !isObject(range)) return null;
  // A number of 64 bits is a string in Google's JSON, and 0 is left out.
  const start = Number(range["start"] ?? 0);
  const end = Number(range["end"]);
  const { infoType } = finding;
  return { start, end, type: isCode(infoType) ? infoType.toLowerCase().replaceAll("+", "_") : "sensitive" };
}

function addPlaces(spans: Map<string, FoundSpan[]>, piece: Piece, places: readonly FoundSpan[]): void {
  const units = unitOffsets(piece.text);
  for (const { start, end, type } of places) addFound(spans, piece, { start: units(start), end: units(end), type });
}
