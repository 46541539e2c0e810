/**
 * Decides whether a text tries to give the model orders of its own: prompt injection and jailbreaks.
 *
 * Model. Weighted phrases, marks of a chat's frame, and hashed n-grams are features of one linear model
 * (`injection-model.ts`), whose log odds over the worst window are the score. Read as well are what the text hides
 * (`injection-encoded.ts`) and, where letters of several scripts are mixed in a word, the text with look-alikes as
 * ASCII; short parts are also read in a row, since an order may be cut over several messages. Texts of the operator
 * (system prompt, tool definitions) are orders to the model by nature: they are read too, because a client may send
 * them, but against a threshold of their own that only a plain attack reaches. What this cannot do: understand. It
 * finds the known classes of attack and their wording; an attack that reads like an ordinary request passes, so it is a
 * first tier (docs/reference/sources.md, Failing open and closed has the second).
 * Source: docs/reference/sources.md, Detectors. Rejected: separate votes of the parts, whose errors add up.
 */
import { textsOf } from "../../core/find-in-texts.ts";
import type { FoundSpan, RailFindings, RailInput, TextPart } from "../../core/rail.ts";
import { decodePayloads } from "./injection-encoded.ts";
import { lengthOdds, reasonsOf, suspicionOf } from "./injection-model.ts";
import type { Origin } from "./injection-model.ts";
import { noNotes } from "./injection-scan.ts";
import { fold, normalise } from "../../core/text/normalise.ts";
import type { NormalText, TextForms } from "../../core/text/normalise.ts";

export type InjectionOptions = {
  /** Score from which a text is an injection, above 0 and below 1. */
  readonly threshold: number;
  /** The same for texts of the operator. */
  readonly operatorThreshold: number;
  /** Roles whose texts are not read. */
  readonly rolesIgnored: readonly string[];
};

/** Tuned on held-out texts: docs/explanation/injection-model.md. */
export const INJECTION_DEFAULTS: InjectionOptions = { threshold: 0.5, operatorThreshold: 0.99, rolesIgnored: [] };

/** Roles whose texts are orders by nature. */
const OPERATOR_ROLES: ReadonlySet<string> = new Set(["system", "developer", "tool_definition", "parameter"]);

/** Roles whose texts are what tools and searches have found: nobody there has orders for the assistant. */
const TOOL_ROLES: ReadonlySet<string> = new Set(["tool", "function"]);

/** Parts up to this length, in UTF-16 units, are also read in a row: a longer part holds an order by itself. */
export const ROW_PART_CHARS_MAX = 240;

/** Length of that row: forty short messages. The latest count. */
export const ROW_CHARS_MAX = 4096;

/** Log odds that a hidden text has ahead: nobody hides an ordinary question. */
const HIDDEN_ODDS = 1;

/** Log odds that a row of parts needs more: it has words together that nobody wrote together. */
const ROW_ODDS = 1.5;

type Inspection = { readonly spans: readonly FoundSpan[]; readonly reasons: readonly string[] };

const NOTHING: Inspection = { spans: [], reasons: [] };

/**
 * Injections as spans of type "injection". Reasons are "injection:" and the parts of the evidence: model, phrases,
 * role_tokens, encoded, split. `meter.steps` grows by the characters that were read.
 */
export function injectionRail(
  input: RailInput,
  options: InjectionOptions = INJECTION_DEFAULTS,
  meter: { steps: number } = { steps: 0 },
): RailFindings {
  const spans = new Map<string, readonly FoundSpan[]>();
  const reasons = new Set<string>();
  const parts = textsOf(input).filter(({ role }) => !options.rolesIgnored.includes(role));
  const asUser: Reading = { meter, forms: input.forms, origin: "user" };
  const asTool: Reading = { ...asUser, origin: "tool" };
  for (const { path, role, text } of parts) {
    const limit = logit(OPERATOR_ROLES.has(role) ? options.operatorThreshold : options.threshold);
    const reading = TOOL_ROLES.has(role) ? asTool : asUser;
    const own = inspect(text, limit, reading);
    const found = own.spans.length > 0 ? own : inViews(input.views?.get(path) ?? [], limit, reading);
    if (found.spans.length === 0) continue;
    spans.set(path, found.spans);
    for (const reason of found.reasons) reasons.add(reason);
  }
  for (const [threshold, isOperator] of [
    [options.threshold, false],
    [options.operatorThreshold, true],
  ] as const) {
    const row = spans.size > 0 ? null : rowOf(parts, isOperator);
    const found = row === null ? NOTHING : inspect(row, logit(threshold) + ROW_ODDS, asUser);
    if (found.spans.length > 0) for (const reason of [...found.reasons, "injection:split"]) reasons.add(reason);
  }
  return { spans, reasons: [...reasons].sort() };
}

/** What the text says behind escapes and disguises that it does not decode for itself. */
function inViews(views: readonly NormalText[], threshold: number, { meter, origin }: Reading): Inspection {
  for (const { text, original } of views) {
    meter.steps += text.length;
    const { windows } = suspicionOf(text, threshold + lengthOdds(text.length), { origin, notes: noNotes() });
    if (windows.length === 0) continue;
    return {
      spans: windows.map(({ start, end }) => asSpan(original(start, end))),
      reasons: ["injection:encoded"],
    };
  }
  return NOTHING;
}

type Reading = {
  readonly meter: { steps: number };
  readonly forms: TextForms | undefined;
  readonly origin: Origin;
};

function inspect(text: string, threshold: number, { meter, forms, origin }: Reading): Inspection {
  const normal = normalise(text, forms);
  const limit = threshold + lengthOdds(normal.text.length);
  const notes = noNotes();
  const views = [normal];
  const found = suspicionOf(normal.text, limit, { origin, notes });
  meter.steps += normal.text.length;
  let windows = found.windows;
  if (windows.length === 0 && notes.mixedScripts) {
    const folded = fold(normal);
    views[0] = folded;
    windows = suspicionOf(folded.text, limit, { origin, notes: noNotes() }).windows;
    meter.steps += folded.text.length;
  }
  const view = views[0] ?? normal;
  const spans = windows.map(({ start, end }) => asSpan(view.original(start, end)));
  const reasons: string[] = windows.flatMap(({ start, end }) => reasonsOf(view.text.slice(start, end), origin));
  meter.steps += normal.text.length;
  for (const payload of decodePayloads(normal.text, notes)) {
    meter.steps += payload.text.length;
    const hiddenLimit = threshold + lengthOdds(payload.text.length) - HIDDEN_ODDS;
    const hidden = suspicionOf(payload.text, hiddenLimit, { origin, notes: noNotes() });
    if (hidden.windows.length === 0) continue;
    spans.push(asSpan(normal.original(payload.start, payload.end)));
    reasons.push("encoded");
  }
  if (spans.length === 0) return NOTHING;
  return { spans, reasons: [...new Set(reasons)].map((reason) => `injection:${reason}`) };
}

/** The short parts one after the other, the latest of them if they are many; null: there are not two. */
function rowOf(parts: readonly TextPart[], isOperator: boolean): string | null {
  const row: string[] = [];
  let chars = 0;
  for (const { role, text } of parts.toReversed()) {
    if (OPERATOR_ROLES.has(role) !== isOperator || text.length > ROW_PART_CHARS_MAX) continue;
    chars += text.length + 1;
    if (chars > ROW_CHARS_MAX) break;
    row.push(text);
  }
  return row.length < 2 ? null : row.toReversed().join(" ");
}

function asSpan({ start, end }: { readonly start: number; readonly end: number }): FoundSpan {
  return { start, end, type: "injection" };
}

function logit(share: number): number {
  return Math.log(share / (1 - share));
}
