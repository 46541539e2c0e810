/**
 * Decides what an answer, or an event of one, says beside the texts that its protocol knows: every other string in it,
 * the names of its members, and its long numbers, as one text with a note of where each piece of it came from.
 *
 * Model. One text, so that each rail looks once and sees the name before a value ("api_key" and what follows). Strings
 * stand in quotes, which end every run. What is not there is not in the text: the protocols' own words and names, short
 * numbers, fractions. What cannot be read is told.
 * Rejected: the JSON as text, where escapes hide a match and the protocol's own words would be found.
 */
import { longDigits } from "../../../lib/json-source.ts";
import type { UnseenReason } from "../rail.ts";
import { mediaRuns } from "../text/encoded-runs.ts";
import { NUMBER_MIN, TEXT_DEPTH_MAX, TEXT_PARTS_MAX } from "../text/text-bounds.ts";
import { isKnownName, isOpaque, isTime, isTokenIds, isWord } from "./answer-words.ts";
import { REPEATING } from "./answer-sites.ts";
import type { Json } from "./stream-events.ts";

/** A list of numbers that is no shorter, and that are all printable, may be a text as bytes. */
const BYTES_MIN = 8;

export type RestPart = {
  /** `bytes`: a list of numbers that are a text. */
  readonly kind: "text" | "name" | "number" | "bytes";
  /** An object or a list; `member` is then a place in it. */
  readonly holder: Json;
  readonly member: string;
  readonly text: string;
  /** In the text of all of them. */
  readonly start: number;
  /** Where it stands, the same for the same place in the next event. */
  readonly place: string;
  /** The member that goes as a whole if this changes: tokens with their probabilities. */
  readonly repeating: { readonly holder: Json; readonly member: string } | null;
};

export type Rest = {
  /** Holds the value itself: it may be a string. */
  readonly root: { readonly value: unknown };
  readonly text: string;
  readonly parts: readonly RestPart[];
  readonly unseen: ReadonlySet<UnseenReason>;
};

type Walk = {
  readonly isSite: (holder: Json, member: string) => boolean;
  readonly parts: RestPart[];
  readonly unseen: Set<UnseenReason>;
  text: string;
};

type At = {
  readonly holder: Json;
  readonly member: string;
  /** Of the member; for an item, of the member that the list is in. */
  readonly name: string;
  readonly place: string;
  readonly depth: number;
  readonly repeating: RestPart["repeating"];
};

/** `isSite`: what is looked at by itself. */
export function restOf(value: unknown, isSite: (holder: Json, member: string) => boolean): Rest {
  const walk: Walk = { isSite, parts: [], unseen: new Set(), text: "" };
  const root = { value };
  walkValue(walk, value, { holder: root, member: "value", name: "", place: "", depth: 0, repeating: null });
  return { root, text: walk.text, parts: walk.parts, unseen: walk.unseen };
}

function walkValue(walk: Walk, value: unknown, at: At): void {
  if (typeof value === "string") walkText(walk, value, at);
  else if (typeof value === "number") walkNumber(walk, value, at);
  else if (typeof value === "object" && value !== null) {
    const digits = longDigits(value);
    if (digits !== null) add(walk, "number", digits, at);
    else if (at.depth >= TEXT_DEPTH_MAX) walk.unseen.add("too_deep");
    else if (Array.isArray(value)) walkList(walk, value as readonly unknown[], at);
    else walkRecord(walk, value as Json, at);
  }
}

function walkText(walk: Walk, text: string, at: At): void {
  if (text === "" || isWord(at.name, text)) return;
  if (!isOpaque(at.name, at.holder["type"]) && mediaRuns(text).length > 0) walk.unseen.add("media");
  add(walk, "text", text, at);
}

function walkNumber(walk: Walk, value: number, at: At): void {
  if (Math.abs(value) < NUMBER_MIN || !Number.isInteger(value) || isTime(at.name, value)) return;
  add(walk, "number", String(Math.abs(value)), at);
}

function walkList(walk: Walk, list: readonly unknown[], at: At): void {
  if (typeof list[0] === "number" && walkNumbers(walk, list, at)) return;
  for (let index = 0; index < list.length; index += 1) {
    const item = list[index];
    if (typeof item === "number" && Math.abs(item) < NUMBER_MIN) continue;
    const place = `${at.place}${placeIn(item)}`;
    const holder = list as unknown as Json;
    walkValue(walk, item, { ...at, holder, member: String(index), place, depth: at.depth + 1 });
  }
}

/** Items that say which they are, such as choices and tool calls, are told apart over the events of a stream. */
function placeIn(item: unknown): string {
  const index = typeof item === "object" && item !== null ? (item as Json)["index"] : undefined;
  return typeof index === "number" ? `[${index}]` : "[]";
}

/** True: these numbers are a text, or stand for one. */
function walkNumbers(walk: Walk, list: readonly unknown[], at: At): boolean {
  if (isTokenIds(at.name) && !isRepeated(at)) walk.unseen.add("token_ids");
  if (at.name !== "bytes" && list.length < BYTES_MIN) return false;
  const least = at.name === "bytes" ? 0 : 9;
  if (!list.every((code) => Number.isInteger(code) && Number(code) >= least && Number(code) <= 255)) return false;
  const text = String.fromCharCode(...(list.slice(0, 65_536) as number[]));
  if (text === "" || (at.name !== "bytes" && !/^[\t\n\r -~]+$/.test(text))) return false;
  add(walk, "bytes", text, at);
  return true;
}

/** Ids beside their text. */
function isRepeated({ holder }: At): boolean {
  return ["text", "message", "delta"].some((name) => holder[name] !== undefined && holder[name] !== "");
}

function walkRecord(walk: Walk, record: Json, at: At): void {
  for (const [name, value] of Object.entries(record)) {
    const isKnown = isKnownName(name);
    const repeating = at.repeating ?? (REPEATING.includes(name) ? { holder: record, member: name } : null);
    const place = `${at.place}.${isKnown ? name : placeOf(name)}`;
    const inner: At = { holder: record, member: name, name, place, depth: at.depth + 1, repeating };
    if (!isKnown && name !== "") add(walk, "name", name, { ...inner, place: `${at.place}.` });
    if (!walk.isSite(record, name)) walkValue(walk, value, inner);
  }
}

/** Names that are numbers, as of tokens, are one place. */
const placeOf = (name: string): string => (/^[0-9]+$/.test(name) ? "#" : name);

function add(walk: Walk, kind: RestPart["kind"], text: string, at: At): void {
  if (walk.parts.length >= TEXT_PARTS_MAX) {
    walk.unseen.add("too_many_parts");
    return;
  }
  const { holder, member, place, repeating } = at;
  const quote = kind === "number" ? "" : '"';
  walk.parts.push({ kind, holder, member, text, start: walk.text.length + quote.length, place, repeating });
  walk.text += quote + text + quote + (kind === "name" ? ":" : ",");
}
