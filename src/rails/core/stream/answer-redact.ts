/**
 * Decides what a client sees of a complete answer: every generated text of it, checked by the same scanners as a
 * stream.
 *
 * Model. The whole text is there, so nothing is held or cut, and `find` alone counts. A block wins over everything
 * else: the answer is not changed, and the gateway sends its own error instead.
 */
import { mergeSpans, redact } from "../spans.ts";
import type { Span } from "../spans.ts";
import { createForms } from "../text/normalise.ts";
import type { TextForms } from "../text/normalise.ts";
import { answerSites } from "./answer-sites.ts";
import type { AnswerSite } from "./answer-sites.ts";
import { redactArguments } from "./stream-arguments.ts";
import { putText, wholesFor } from "./stream-channels.ts";
import type { AnswerRails } from "./stream-channels.ts";
import { asRecord } from "./stream-events.ts";
import type { Json } from "./stream-events.ts";
import type { StreamFormatName } from "./stream-events.ts";
import { foundBy } from "./stream-guard.ts";
import { createTally, noteFinding, recordOf } from "./stream-record.ts";
import type { StreamRecord, StreamTally } from "./stream-record.ts";
import { NO_ORIGINALS, restored } from "./stream-restore.ts";
import type { Originals } from "./stream-restore.ts";
import type { StreamScanner } from "./stream-scanner.ts";
import type { StreamBlock } from "./stream-text.ts";
import { checkWhole } from "./stream-whole.ts";
import type { WholeRail } from "./stream-whole.ts";

export type RedactedAnswer = {
  /** The same object if nothing changed; else a copy. */
  readonly body: unknown;
  readonly blocked: StreamBlock | null;
  readonly record: StreamRecord;
};

export type AnswerOptions = AnswerRails & { readonly format: StreamFormatName };

/** `body` is parsed JSON; of another shape than the format's it passes as it is. */
export function redactAnswer(body: unknown, options: AnswerOptions): RedactedAnswer {
  const { format, scanners, wholes = [], originals = NO_ORIGINALS } = options;
  const tally = createTally();
  const answer = asRecord(body);
  if (answer === null) return { body, blocked: null, record: recordOf(tally) };
  const sites = answerSites(format, answer);
  const forms = createForms();
  const blocks: Span[] = [];
  const find = (text: string): Span[] => {
    const spans = findAll(scanners, text, tally, forms);
    blocks.push(...spans.filter(({ action }) => action === "block"));
    return spans;
  };
  const changes = sites.map((site) => changed(site, find, originals));
  const blocked = blockOf(blocks) ?? blockOfWholes(sites, wholes, tally, forms);
  if (blocked !== null || changes.every((change) => change === null)) return { body, blocked, record: recordOf(tally) };
  const copy = JSON.parse(JSON.stringify(answer)) as Json;
  for (const [index, { holder, member, repeats }] of answerSites(format, copy).entries()) {
    const change = changes[index];
    if (typeof change === "string") putText(holder, member, change, repeats);
    else if (change !== null && change !== undefined) holder[member] = change.value;
  }
  return { body: copy, blocked, record: recordOf(tally) };
}

/** The new text or value of a site; null if it stays. */
function changed(
  { holder, member, form }: AnswerSite,
  find: (text: string) => Span[],
  originals: Originals,
): string | { value: unknown } | null {
  const value = holder[member];
  const text = form === "value" ? JSON.stringify(value) : String(value);
  const checked = form === "text" ? redact(text, mergeSpans(find(text))) : redactArguments(text, find);
  const shown = restored(checked, originals, form !== "text");
  if (shown === text) return null;
  return form === "value" ? { value: JSON.parse(shown) as unknown } : shown;
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

function findAll(scanners: readonly StreamScanner[], text: string, tally: StreamTally, forms: TextForms): Span[] {
  return scanners.flatMap((scanner) => {
    const { rail, action } = scanner;
    const spans = foundBy(scanner, text, tally, forms).map((span) => ({ ...span, rail, action }));
    for (const { type } of spans) noteFinding(tally, rail, type, action);
    return spans;
  });
}

function blockOf(blocks: readonly Span[]): StreamBlock | null {
  const rails = blocks.map(({ rail }) => rail).sort();
  const [rail] = rails;
  if (rail === undefined) return null;
  return { rail, reasons: [...new Set(blocks.map((span) => `${span.rail}:${span.type}`))].sort() };
}
