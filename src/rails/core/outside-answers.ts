/**
 * Decides whether what a service outside has sent is an answer, and what it says: of a webhook, of a moderation
 * service, of a Llama Guard model.
 *
 * Model. Strict and short: an answer that leaves a text unjudged, names a text or a place that there is not, or says
 * neither yes nor no, is none, and throws: the rail's rule for failures then applies. What a service gives as a reason
 * is kept only if it is a code, because reasons reach headers and clients.
 * Source: OpenAI's API reference; Meta's model card of Llama Guard 3. Rejected: reading what can be read, which turns a
 * service that has changed its answers into one that allows everything.
 */
import type { Verdict } from "./verdict.ts";
import type { FoundSpan, RailFindings, RailInput, TextPart } from "./rail.ts";
import { isObject } from "../../lib/json-object.ts";

/** `verdict` is what the service says; the rail's action is the most that is made of it. */
export type OutsideAnswer = { readonly verdict: Verdict; readonly findings: RailFindings };

export const NOTHING_FOUND: OutsideAnswer = { verdict: "allow", findings: { spans: new Map(), reasons: [] } };

/** Spans in one answer of a webhook: more is a text that should be blocked. */
export const WEBHOOK_SPANS_MAX = 1_000;
const REASONS_MAX = 16;
const REPLACEMENT_CHARS_MAX = 200;

/** Throws when it is no answer. */
export function readWebhookAnswer(answer: unknown, input: RailInput, name: string): OutsideAnswer {
  if (!isObject(answer) || !isVerdict(answer["verdict"])) throw new Error("the answer has no verdict");
  const { verdict, spans: rawSpans = [], reasons: rawReasons = [] } = answer;
  if (!isVerdict(verdict)) throw new Error("the answer has no verdict");
  if (!Array.isArray(rawSpans) || rawSpans.length > WEBHOOK_SPANS_MAX) throw new Error("the spans are no short list");
  const byPath = new Map(input.parts.map((part) => [part.path, part]));
  const spans = new Map<string, FoundSpan[]>();
  for (const raw of rawSpans as readonly unknown[]) {
    const part = isObject(raw) && typeof raw["path"] === "string" ? byPath.get(raw["path"]) : undefined;
    if (!isObject(raw) || part === undefined) throw new Error("a span lies in no text of the request");
    const list = spans.get(part.path) ?? [];
    list.push(readSpan(raw, part));
    spans.set(part.path, list);
  }
  if (verdict === "redact" && spans.size === 0) throw new Error("there is nothing to redact");
  const reasons = (Array.isArray(rawReasons) ? rawReasons : []).filter(isCode).slice(0, REASONS_MAX);
  return { verdict, findings: { spans, reasons: reasons.map((reason) => `${name}:${reason}`) } };
}

function readSpan({ start, end, type, replacement }: Readonly<Record<string, unknown>>, { text }: TextPart): FoundSpan {
  const isPlace = Number.isInteger(start) && Number.isInteger(end);
  if (!isPlace || typeof start !== "number" || typeof end !== "number") throw new Error("a span has no place");
  if (start < 0 || end <= start || end > text.length) throw new Error("a span lies beyond its text");
  const found = { start, end, type: isCode(type) ? type.replaceAll("+", "_") : "webhook" };
  if (replacement === undefined) return found;
  if (typeof replacement !== "string" || replacement.length > REPLACEMENT_CHARS_MAX)
    throw new Error("a replacement is no short text");
  return { ...found, replacement };
}

const VERDICTS: readonly unknown[] = ["allow", "flag", "redact", "block"] satisfies readonly Verdict[];
const isVerdict = (value: unknown): value is Verdict => VERDICTS.includes(value);

/** Throws when it is no answer about `count` texts. */
export function readModerationAnswer(
  answer: unknown,
  count: number,
  thresholds: Readonly<Record<string, number>> | null,
): OutsideAnswer {
  const results = isObject(answer) ? answer["results"] : null;
  if (!Array.isArray(results) || results.length < count) throw new Error("there is not one result for each text");
  const found = (results as readonly unknown[]).flatMap((result) => findingsOf(result, thresholds));
  if (found.length === 0) return NOTHING_FOUND;
  const reasons = [...new Set(found)].sort().map((category) => `moderation:${category}`);
  return { verdict: "block", findings: { spans: new Map(), reasons } };
}

function findingsOf(result: unknown, thresholds: Readonly<Record<string, number>> | null): readonly string[] {
  if (!isObject(result) || typeof result["flagged"] !== "boolean") throw new Error("a result says nothing");
  if (thresholds === null) {
    if (!result["flagged"]) return [];
    const { categories } = result;
    const named = isObject(categories) ? Object.keys(categories).filter((name) => categories[name] === true) : [];
    return ["flagged", ...named.filter(isCode)];
  }
  const { category_scores: scores } = result;
  return Object.entries(thresholds).flatMap(([category, threshold]) => {
    const score = isObject(scores) ? scores[category] : undefined;
    if (typeof score !== "number") throw new Error("a category of the config has no score");
    return score >= threshold ? [category] : [];
  });
}

/** Of a chat completion, or of Workers AI (`{response: "safe"}`, or `{response: {safe, categories}}`). Throws else. */
export function readGuardAnswer(answer: unknown, counted: readonly string[] | null): OutsideAnswer {
  const said = saidBy(answer);
  const codes = said.codes.filter((code) => counted === null || counted.includes(code));
  if (said.isSafe || (counted !== null && codes.length === 0)) return NOTHING_FOUND;
  const reasons = codes.length === 0 ? ["llama-guard:unsafe"] : codes.map((code) => `llama-guard:${code}`);
  return { verdict: "block", findings: { spans: new Map(), reasons: [...new Set(reasons)].sort() } };
}

type Said = { readonly isSafe: boolean; readonly codes: readonly string[] };

function saidBy(answer: unknown): Said {
  const response = isObject(answer) ? (answer["response"] ?? contentOf(answer)) : null;
  if (isObject(response) && typeof response["safe"] === "boolean") {
    const { safe, categories } = response;
    return { isSafe: safe, codes: (Array.isArray(categories) ? categories : []).filter(isHazard) };
  }
  const [first, ...rest] = typeof response === "string" ? response.trim().split(/\s+/) : [];
  if (first === "safe" && rest.length === 0) return { isSafe: true, codes: [] };
  if (first !== "unsafe") throw new Error("the guard said neither safe nor unsafe");
  return { isSafe: false, codes: rest.flatMap((codes) => codes.split(",")).filter(isHazard) };
}

function contentOf(answer: Readonly<Record<string, unknown>>): unknown {
  const { choices } = answer;
  const first: unknown = Array.isArray(choices) ? choices[0] : null;
  const message = isObject(first) ? first["message"] : null;
  return isObject(message) ? message["content"] : null;
}

const isHazard = (code: unknown): code is string => typeof code === "string" && /^S\d{1,2}$/.test(code);

const CODE = /^[A-Za-z0-9][A-Za-z0-9 _./:-]{0,63}$/;

/** What a service may have written into a log and to the client: a code, and never a sentence. */
export const isCode = (value: unknown): value is string => typeof value === "string" && CODE.test(value);
