/**
 * Looks at what an event says beside the texts of its protocol, and at the lines around its data: comments, the event's
 * name and id, the time to retry, lines that are none.
 *
 * Model. `answer-rest.ts` and `rest-judge.ts` do the work; here is what they remember of a stream. What is the same as in
 * the event before, such as the answer's id and the model's name, was looked at then. A line that begins as JSON does
 * would be read by a client that takes the stream for lines of JSON, so it is told as unread.
 */
import { fieldOf, linesOf, withoutBom } from "../../../lib/sse.ts";
import { restOf } from "./answer-rest.ts";
import type { Rest, RestPart } from "./answer-rest.ts";
import { isEventName } from "./answer-words.ts";
import { applyRest, judgeRest, judgeTails } from "./rest-judge.ts";
import type { RestRails, Tails } from "./rest-judge.ts";
import type { Json } from "./stream-events.ts";
import { noteUnread } from "./stream-guard.ts";
import type { MustRead } from "./stream-guard.ts";
import type { StreamTally } from "./stream-record.ts";
import type { StreamBlock } from "./stream-text.ts";

export type Sides = {
  readonly rails: RestRails & { readonly mustRead: MustRead };
  readonly tally: StreamTally;
  readonly tails: Tails;
  /** Of events of known forms. */
  readonly padding: { text: string; last: string; repeats: number; unseenChars: number };
  /** What blocks, found where nothing could be ended for it. */
  late: StreamBlock | null;
  /** Of the last event, where nothing was found in it. */
  lastText: string;
  lastLines: string;
};

export type Looked = { readonly isChanged: boolean; readonly blocked: StreamBlock | null; readonly isClean: boolean };
type Judged = Looked & { readonly value: unknown };

const SAME: Looked = { isChanged: false, blocked: null, isClean: true };

export function createSides(rails: Sides["rails"], tally: StreamTally): Sides {
  return {
    rails,
    tally,
    tails: new Map(),
    padding: { text: "", last: "", repeats: 0, unseenChars: 0 },
    late: null,
    lastText: "",
    lastLines: "",
  };
}

/**
 * Changes the event where something was found; `value`: what became of it. `isSite`: what is looked at by itself.
 */
export function lookBeside(sides: Sides, event: unknown, isSite: (holder: Json, member: string) => boolean): Judged {
  const rest = restOf(event, isSite);
  for (const reason of rest.unseen) noteUnread(reason, sides.rails.mustRead, sides.tally);
  const isSame = rest.text === sides.lastText;
  const own = isSame ? { ...SAME, isClean: rest.unseen.size === 0 } : look(sides, rest);
  const looked = { ...own, blocked: own.blocked ?? sides.late };
  if (!isSame) sides.lastText = looked.isClean ? rest.text : "";
  return { ...looked, value: rest.root.value };
}

/** What came at one place over several events, and was not looked at together yet. */
export function endSides(sides: Sides): StreamBlock | null {
  const { rails, tally, tails, padding } = sides;
  const all: Tails = new Map([...tails, ["padding", padding]]);
  return sides.late ?? judgeTails(all, rails, tally);
}

/** Padding that is put together before it is looked at: it is random, and looks like a key in every event. */
const PADDING_CHARS_MAX = 512;

/** The padding of an event of a known form. True: nothing was found in it; then the event may pass as it is. */
export function isCleanPadding(sides: Sides, text: string): boolean {
  const { padding, rails, tally } = sides;
  padding.text += text;
  padding.unseenChars += text.length;
  if (padding.text.length < PADDING_CHARS_MAX) return text.length < PADDING_USUAL_CHARS;
  sides.late ??= judgeTails(new Map([["padding", padding]]), rails, tally);
  padding.text = padding.text.slice(-PADDING_CHARS_MAX / 2);
  return sides.late === null && text.length < PADDING_USUAL_CHARS;
}

/** What hides the length of a token is no longer than a token. */
const PADDING_USUAL_CHARS = 20;

function look(sides: Sides, rest: Omit<Rest, "root">): Looked {
  const { spans, blocked, beyond } = judgeRest(rest, sides.rails, sides.tally, { tails: sides.tails });
  for (const reason of beyond) noteUnread(reason, sides.rails.mustRead, sides.tally);
  applyRest(rest.parts, (part) => spans.get(part) ?? []);
  const isClean = blocked === null && spans.size === 0 && beyond.length === 0 && rest.unseen.size === 0;
  return { isChanged: spans.size > 0, blocked, isClean };
}

/** Digits of a number that counts events or milliseconds. */
const COUNTER = /^\d{0,9}$/;

/** The lines of one part of a stream but those of data, as far as they say something. */
export function lookAtLines(sides: Sides, raw: string): { readonly raw: string; readonly looked: Looked } {
  // Most events are one line of data and a blank one.
  if (raw.startsWith("data:") && raw.indexOf("\n") >= raw.length - 2 && !raw.includes("\r"))
    return { raw, looked: SAME };
  const pieces = linesOf(raw);
  const values: Record<string, string> = {};
  const parts: RestPart[] = [];
  let text = "";
  let isJson = false;
  for (const [at, line] of pieces.entries()) {
    const shown = shownIn(line);
    if (shown === null) continue;
    isJson ||= shown.isJson;
    values[at] = shown.value;
    const place = `line ${shown.place}`;
    const start = text.length + 1;
    parts.push({ kind: "text", holder: values, member: String(at), text: shown.value, start, place, repeating: null });
    text += `"${shown.value}",`;
  }
  if (text === "" || text === sides.lastLines) return { raw, looked: SAME };
  if (isJson) noteUnread("not_json", sides.rails.mustRead, sides.tally);
  const looked = look(sides, { text, parts, unseen: new Set(isJson ? ["not_json" as const] : []) });
  sides.lastLines = looked.isClean ? text : "";
  if (!looked.isChanged) return { raw, looked };
  for (const part of parts) {
    const line = pieces[Number(part.member)] ?? "";
    const lead = line.slice(0, line.length - part.text.length);
    pieces[Number(part.member)] = lead + (values[part.member] ?? "");
  }
  // As other events that are written anew: the second half of a line break may still be on its way.
  return { raw: `${pieces.filter((line) => line !== "").join("\n")}\n\n`, looked };
}

/** What a line says that is not of the event's data; null: nothing that somebody chose. */
function shownIn(line: string): { readonly value: string; readonly place: string; readonly isJson: boolean } | null {
  const { name, value } = fieldOf(withoutBom(line));
  if (line === "" || name === "data" || (name === "event" && isEventName(value))) return null;
  const isCounted = name === "id" || name === "retry";
  if (isCounted && COUNTER.test(value)) return null;
  if (isCounted || name === "" || name === "event") return { value, place: name, isJson: false };
  return { value: line, place: "?", isJson: /^[\s\ufeff]*[{["]/.test(line) };
}
