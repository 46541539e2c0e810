/**
 * Decides what a client sees of a complete answer: every text of it, checked by the same scanners as a stream.
 *
 * Model. The whole text is there, so nothing is held or cut, and `find` alone counts. Texts that the protocol knows are
 * looked at one by one, all else together (`answer-rest.ts`). A block wins over everything else: the answer is not
 * changed, and the gateway sends its own error instead. What could not be read is in the record; who called decides.
 */
import { parseLong } from "../../../lib/json-source.ts";
import { mergeSpans, redact } from "../spans.ts";
import type { Span } from "../spans.ts";
import { createForms } from "../text/normalise.ts";
import type { TextForms } from "../text/normalise.ts";
import { viewBudget } from "../text/views.ts";
import { restOf } from "./answer-rest.ts";
import { applyRest, blockOf, findingsIn, judgeRest } from "./rest-judge.ts";
import { answerSites } from "./answer-sites.ts";
import type { AnswerSite } from "./answer-sites.ts";
import { redactArguments } from "./stream-arguments.ts";
import { putText, wholesFor } from "./stream-channels.ts";
import type { AnswerRails } from "./stream-channels.ts";
import { asRecord } from "./stream-events.ts";
import type { Json } from "./stream-events.ts";
import type { RailedFormat } from "./stream-events.ts";
import { createTally, leftAction, noteFinding, recordOf } from "./stream-record.ts";
import type { StreamRecord, StreamTally } from "./stream-record.ts";
import { NO_ORIGINALS, restored } from "./stream-restore.ts";
import type { Originals } from "./stream-restore.ts";
import type { StreamBlock } from "./stream-text.ts";
import { checkWhole } from "./stream-whole.ts";
import type { WholeRail } from "./stream-whole.ts";

export type RedactedAnswer = {
  /** The same object if nothing changed; else a copy. */
  readonly body: unknown;
  readonly blocked: StreamBlock | null;
  readonly record: StreamRecord;
};

export type AnswerOptions = AnswerRails & { readonly format: RailedFormat };

/** `body` is parsed JSON. */
export function redactAnswer(body: unknown, options: AnswerOptions): RedactedAnswer {
  const { format, scanners, wholes = [], originals = NO_ORIGINALS } = options;
  const tally = createTally();
  const forms = createForms();
  const budget = viewBudget();
  const sites = sitesOf(format, body);
  const blocks: Span[] = [];
  const look: Look = (text, isLeft) => {
    const found = findingsIn(scanners, text, tally, { budget, forms }).map(({ span, scanner: { rail, action } }) => {
      const isKept = isLeft !== null && isLeft(span.start, span.end);
      noteFinding(tally, rail, span.type, isKept ? leftAction(action) : action);
      return { ...span, rail, action };
    });
    blocks.push(...found.filter(({ action }) => action === "block"));
    return found;
  };
  const changes = sites.map((site) => changed(site, look, originals));
  const rest = restOf(body, isAmong(sites));
  for (const reason of rest.unseen) tally.unread.add(reason);
  const beside = judgeRest(rest, { scanners, wholes }, tally, { forms, budget });
  for (const reason of beside.beyond) tally.unread.add(reason);
  const blocked = blockOf(blocks) ?? beside.blocked ?? blockOfWholes(sites, wholes, tally, forms);
  const isSame = beside.spans.size === 0 && changes.every((change) => change === null);
  if (blocked !== null || isSame) return { body, blocked, record: recordOf(tally) };
  const copy = parseLong(JSON.stringify(body));
  const copies = sitesOf(format, copy);
  // The same walk over the same value: the parts come in the same order.
  const { root, parts } = restOf(copy, isAmong(copies));
  applyRest(parts, (_, index) => {
    const part = rest.parts[index];
    return (part === undefined ? undefined : beside.spans.get(part)) ?? [];
  });
  for (const [index, { holder: at, member, repeats }] of copies.entries()) {
    const change = changes[index];
    if (typeof change === "string") putText(at, member, change, repeats);
    else if (change !== null && change !== undefined) at[member] = change.value;
  }
  return { body: root.value, blocked, record: recordOf(tally) };
}

/** `isLeft`: which findings change nothing; null: all do. */
type Look = (text: string, isLeft: ((start: number, end: number) => boolean) | null) => Span[];

function sitesOf(format: RailedFormat, body: unknown): readonly AnswerSite[] {
  const answer = asRecord(body);
  return answer === null ? [] : answerSites(format, answer);
}

function isAmong(sites: readonly AnswerSite[]): (holder: Json, member: string) => boolean {
  const members = new Map<Json, Set<string>>();
  for (const { holder, member } of sites) members.set(holder, (members.get(holder) ?? new Set()).add(member));
  return (holder, member) => members.get(holder)?.has(member) === true;
}

/** The new text or value of a site; null if it stays. */
function changed(
  { holder, member, form }: AnswerSite,
  look: Look,
  originals: Originals,
): string | { value: unknown } | null {
  const value = holder[member];
  const text = form === "value" ? JSON.stringify(value) : String(value);
  const checked = form === "text" ? redact(text, mergeSpans(look(text, null))) : redactArguments(text, look);
  const shown = restored(checked, originals, form !== "text");
  if (shown === text) return null;
  return form === "value" ? { value: parseLong(shown) } : shown;
}

function blockOfWholes(
  sites: readonly AnswerSite[],
  wholes: readonly WholeRail[],
  tally: StreamTally,
  forms: TextForms,
) {
  if (wholes.length === 0) return null;
  const blocks = sites.map(({ holder, member, form }) => {
    const value = holder[member];
    const text = form === "value" ? JSON.stringify(value) : String(value);
    return checkWhole(wholesFor(wholes, form === "text" && isAnswer(holder, member)), text, tally, forms);
  });
  return blocks.find((block) => block !== null) ?? null;
}

/** What the model says. Parts of reasoning have their text in a member of the same name. */
function isAnswer({ type }: Json, member: string): boolean {
  if (member !== "content" && member !== "text") return false;
  return type !== "summary_text" && type !== "reasoning_text";
}
