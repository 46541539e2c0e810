/**
 * Decides which strings of a request body the model will see, and puts redacted ones back.
 *
 * Model. Every string counts, every name of a member and every number of some length, whatever the shape around it: a
 * rail that knows only the documented members and shapes is bypassed by an undocumented one. Left out is what the
 * protocols say themselves (`known-members.ts`), and media, known by what they are (`encoded-runs.ts`): a text around
 * some is read in pieces. What is left out and reaches the model is told as unseen, never passed over. One walk serves
 * both directions, so what was read is what is written: extraction ignores the walk's result, redaction uses it. Names
 * are read once each, and written anew everywhere; numbers are never written anew.
 * Rejected: parsing paths back into a body (two notions of a path), and JSON text as one part (escapes hide matches).
 */
import { redact } from "../spans.ts";
import type { SpansByPath } from "../spans.ts";
import { hasMedia, isKnownValue, isMediaAtTop, isMediaMember, KNOWN_NAMES, roleOfMember } from "./known-members.ts";
import type { Members } from "./known-members.ts";
import { NUMBER_MIN, NUMBERS_MAX, TEXT_DEPTH_MAX, TEXT_PARTS_MAX } from "./text-bounds.ts";
import type { NormalText } from "./normalise.ts";
import { longRunChars, mediaRuns } from "./encoded-runs.ts";
import { viewBudget, viewsOf } from "./views.ts";
import { ALL_READ, NAME_PATH_START, NUMBER_PATH_END } from "../rail.ts";
import type { RailInput, TextPart, Unread, UnseenReason } from "../rail.ts";
import { isObject } from "../../../lib/json-object.ts";

/**
 * What records call themselves that bring what a tool or a search has found, whosever message they are in: Anthropic's
 * `tool_result` stands in the user's, OpenAI's `function_call_output` in none.
 */
const FOUND_BY_TOOL = /(?:_result|_results|_output|^document)$/;

/**
 * Reads every text that the model will see. Any JSON value is accepted; wrong shapes give fewer parts. `everyMember`:
 * the body is of a path whose shape is not known here. `unread`: what is known already of what
 * cannot be read. `beside`: what is sent beside the body.
 */
export function extractTextParts(
  body: unknown,
  everyMember = false,
  unread: Unread = ALL_READ,
  beside: readonly TextPart[] = [],
): RailInput {
  const parts: TextPart[] = [];
  const views = new Map<string, readonly NormalText[]>();
  const budget = viewBudget();
  const walk = createWalk(everyMember, (part) => {
    parts.push(part);
    if (!part.path.endsWith(NUMBER_PATH_END)) addViews(part);
    return part.text;
  });
  const addViews = ({ path, text }: TextPart): void => {
    const own = viewsOf(text, budget);
    if (own.length > 0) views.set(path, own);
  };
  walkBody(walk, body, everyMember);
  beside.forEach(addViews);
  if (budget.isSpent) walk.unseen.add("encoded");
  const messages = isObject(body) ? body["messages"] : null;
  const messageCount = Array.isArray(messages) ? messages.length : 0;
  const unseen = [...new Set([...unread.reasons, ...walk.unseen])].sort();
  return {
    parts,
    messageCount,
    unseen,
    ...(beside.length === 0 ? {} : { beside }),
    ...(views.size === 0 ? {} : { views }),
    ...(unread.bytes + walk.mediaChars === 0 ? {} : { unreadBytes: unread.bytes + walk.mediaChars }),
    ...(everyMember ? { everyMember } : {}),
  };
}

/**
 * A body in which only the strings and names that have redactions differ; everything else is shared with the original,
 * which is not changed. Without redactions it is the original itself.
 */
export function applyRedactions(body: unknown, spansByPath: SpansByPath, everyMember = false): unknown {
  return walkBody(
    createWalk(everyMember, ({ path, text }) => redact(text, spansByPath.get(path) ?? [])),
    body,
    everyMember,
  );
}

type Walk = {
  readonly onText: (part: TextPart) => string;
  readonly unseen: Set<UnseenReason>;
  /** Names of members that were met, and what they are now. */
  readonly names: Map<string, string>;
  /** Does a model read what stands in a text as media does: where the shape is known, media have members of their own. */
  readonly countsMedia: boolean;
  /** Characters of such media. */
  mediaChars: number;
  parts: number;
};

type Position = { readonly path: string; readonly role: string; readonly depth: number; readonly inMedia: boolean };

function createWalk(everyMember: boolean, onText: (part: TextPart) => string): Walk {
  return { onText, unseen: new Set(), names: new Map(), countsMedia: !everyMember, mediaChars: 0, parts: 0 };
}

function walkBody(walk: Walk, body: unknown, everyMember: boolean): unknown {
  const at = { path: "", role: "user", depth: 0, inMedia: false };
  if (!isObject(body)) return everyMember ? walkValue(walk, body, at) : body;
  return mapMembers(body, (value, name) => {
    const role = roleOfMember(name, !everyMember);
    const named = walkName(walk, name, role === "" ? "user" : role);
    if (isKnownValue(name, value)) return [named, value];
    const inMedia = isMediaAtTop(name, value);
    if (inMedia) walk.unseen.add("media");
    return [named, walkValue(walk, value, { path: name, role, depth: 0, inMedia })];
  });
}

function walkValue(walk: Walk, value: unknown, at: Position): unknown {
  // That there is more than is read is told: what it is would cost as much as reading it.
  if (walk.unseen.has("too_many_parts")) return value;
  if (typeof value === "string") return walkText(walk, value, at);
  if (typeof value === "number") return walkNumber(walk, value, at);
  if (typeof value !== "object" || value === null) return value;
  if (at.depth >= TEXT_DEPTH_MAX) {
    walk.unseen.add("too_deep");
    return value;
  }
  const depth = at.depth + 1;
  if (Array.isArray(value)) {
    const areIds = mayBeTokenIds(value, at.path);
    if (areIds) walk.unseen.add("token_ids");
    return mapItems(value, (item, index) =>
      // A batch of token ids has hundreds of thousands of them.
      areIds && typeof item === "number" ? item : walkValue(walk, item, { ...at, path: `${at.path}[${index}]`, depth }),
    );
  }
  return walkRecord(walk, value as Record<string, unknown>, { ...at, depth });
}

function walkRecord(walk: Walk, record: Record<string, unknown>, at: Position): unknown {
  const role = roleIn(record, at.role);
  // A tool may have a parameter of that name.
  const mayHaveMedia = at.role !== "tool_definition";
  const isMedia = mayHaveMedia && hasMedia(record);
  if (isMedia) walk.unseen.add("media");
  return mapMembers(record, (value, name) => {
    if (walk.unseen.has("too_many_parts")) return [name, value];
    const named = walkName(walk, name, role);
    if (isKnownValue(name, value)) return [named, value];
    const isMember = mayHaveMedia && isMediaMember(record, name);
    if (isMember) walk.unseen.add("media");
    const inMedia = at.inMedia || isMedia || isMember;
    return [named, walkValue(walk, value, { path: at.path + memberPath(name), role, depth: at.depth, inMedia })];
  });
}

function roleIn({ role, type }: Members, around: string): string {
  if (around !== "tool_definition" && typeof type === "string" && FOUND_BY_TOOL.test(type)) return "tool";
  if (around === "" && typeof role === "string") return role;
  // Messages in an input, and in a job's.
  return around === "user" && isKnownValue("role", role) ? String(role) : around;
}

/** Media in it stay as they are. */
function walkText(walk: Walk, text: string, at: Position): string {
  let walked = "";
  let from = 0;
  let pieces = 0;
  const walkPiece = (end: number): void => {
    if (end === from) return;
    const path = pieces === 0 ? at.path : `${at.path}~${pieces}`;
    const piece = from === 0 && end === text.length ? text : text.slice(from, end);
    const encodedChars = walk.countsMedia && !at.inMedia ? 0 : longRunChars(piece);
    const part = { path, role: at.role, text: piece };
    walked += tell(walk, encodedChars === 0 ? part : { ...part, encodedChars });
    pieces += 1;
  };
  for (const { start, end } of mediaRuns(text)) {
    walk.unseen.add("media");
    if (walk.countsMedia && !at.inMedia) walk.mediaChars += end - start;
    walkPiece(start);
    walked += text.slice(start, end);
    from = end;
  }
  walkPiece(text.length);
  return walked;
}

/** As it is written, as far as a double has its digits. */
function walkNumber(walk: Walk, value: number, { path, role }: Position): number {
  if (Math.abs(value) >= NUMBER_MIN) tell(walk, { path: path + NUMBER_PATH_END, role, text: String(value) });
  return value;
}

/** Two names that are redacted stay two names. */
function walkName(walk: Walk, name: string, role: string): string {
  if (name === "" || KNOWN_NAMES.has(name)) return name;
  const known = walk.names.get(name);
  if (known !== undefined) return known;
  const told = tell(walk, { path: `${NAME_PATH_START}${JSON.stringify(name)}}`, role, text: name });
  const named = told === name ? name : `${told}#${walk.names.size}`;
  walk.names.set(name, named);
  return named;
}

function tell(walk: Walk, part: TextPart): string {
  if (walk.parts >= TEXT_PARTS_MAX) {
    walk.unseen.add("too_many_parts");
    return part.text;
  }
  walk.parts += 1;
  return walk.onText(part);
}

/**
 * Members whose numbers are token ids, a tensor or what a tokenizer makes of a prompt, however few they are.
 */
const TOKEN_IDS = /(?:^|\.)(?:prompt\w*|input\w*|tokens?|token_ids|ids|context|content|data|\w*embed\w*)(?:\[\d+\])*$/;

/** Lists of ids that say what a model may not write. */
const OTHER_IDS = /(?:^|\.)(?:stop_token_ids|allowed_token_ids|bad_words_ids|logit_bias)(?:\[\d+\])*$/;

function mayBeTokenIds(items: readonly unknown[], path: string): boolean {
  let numbers = 0;
  let wholes = 0;
  for (const item of items) {
    if (typeof item !== "number") continue;
    numbers += 1;
    if (Number.isInteger(item)) wholes += 1;
  }
  if (numbers === 0 || OTHER_IDS.test(path)) return false;
  if (TOKEN_IDS.test(path)) return true;
  // What may be chosen is named once each; no text has each of its characters once.
  const isChoice = path.endsWith(".enum") && new Set(items).size === items.length;
  return wholes >= NUMBERS_MAX && !isChoice;
}

/** Names that are not plain are quoted, so that two different members never have one path. */
function memberPath(name: string): string {
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

function mapItems(items: readonly unknown[], change: (item: unknown, index: number) => unknown): readonly unknown[] {
  const changed = items.map(change);
  return changed.some((item, index) => item !== items[index]) ? changed : items;
}

/** `Object.fromEntries` defines members, so that one named `__proto__` stays a member. */
function mapMembers(
  record: Record<string, unknown>,
  change: (value: unknown, name: string) => readonly [string, unknown],
): Record<string, unknown> {
  const entries = Object.entries(record);
  const changed = entries.map(([name, value]) => change(value, name));
  const isSame = changed.every(([name, value], index) => name === entries[index]?.[0] && value === entries[index][1]);
  if (isSame) return record;
  // Whoever wrote the body may have foreseen what a name becomes.
  const freeName = (named: string, name: string | undefined): string =>
    named !== name && Object.hasOwn(record, named) ? freeName(`${named}#`, name) : named;
  return Object.fromEntries(changed.map(([named, value], index) => [freeName(named, entries[index]?.[0]), value]));
}
