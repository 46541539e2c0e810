/**
 * Decides which strings of a request body the model will see, and puts redacted ones back.
 *
 * Model. Every string counts, whatever the shape around it: a rail that knows only the documented members and shapes is
 * bypassed by an undocumented one. Left out are the members that the server keeps to itself, `role` and `type`, which
 * servers check against closed sets, and media, which are not text. What is left out and reaches the model is told as
 * unseen, never passed over. One walk serves both directions, so what was read is what is written: extraction ignores
 * the walk's result, redaction uses it.
 * Rejected: parsing paths back into a body (two notions of a path), and JSON text as one part (escapes hide matches).
 */
import { redact } from "../spans.ts";
import type { SpansByPath } from "../spans.ts";
import { isMediaText } from "./media-text.ts";
import { ALL_READ } from "../rail.ts";
import type { RailInput, TextPart, Unread, UnseenReason } from "../rail.ts";

/** Texts in one body: 1,000 messages with sixteen texts each. Beyond it the input says `too_many_parts`. */
export const TEXT_PARTS_MAX = 16_384;

/** Nesting below a top-level member: JSON schemas of tools stay below twenty. Beyond it the input says `too_deep`. */
export const TEXT_DEPTH_MAX = 64;

/** The role of texts that have no message around them, by top-level member; "user" for all others. */
const ROLES: Readonly<Record<string, string>> = {
  messages: "",
  system: "system",
  instructions: "system",
  chat_template: "system",
  tools: "tool_definition",
  functions: "tool_definition",
  response_format: "tool_definition",
  documents: "tool",
};

/**
 * What records call themselves that bring what a tool or a search has found, whosever message they are in: Anthropic's
 * `tool_result` stands in the user's, OpenAI's `function_call_output` in none.
 */
const FOUND_BY_TOOL = /(?:_result|_results|_output|^document)$/;

/**
 * Top-level members of the known paths in which servers keep names and ids of the client's, and show none to the model.
 */
export const NOT_SHOWN: ReadonlySet<string> = new Set([
  "model",
  "user",
  "metadata",
  "stop",
  "stop_sequences",
  "safety_identifier",
  "prompt_cache_key",
  "session_id",
  "request_id",
  "previous_response_id",
  "encoding_format",
  "service_tier",
]);

/** Checked by the server against closed sets, so no free text fits in. */
export const CLOSED_MEMBERS: ReadonlySet<string> = new Set(["role", "type"]);

/** Parts of a message that are not text; base64 in them would count as characters and cost time to scan. */
const MEDIA_MEMBERS: ReadonlySet<string> = new Set([
  "image_url",
  "video_url",
  "audio_url",
  "input_audio",
  "audio",
  "file",
  "inline_data",
  "inlineData",
  "file_data",
  "fileData",
]);

/** Names that workers choose for media. What is in them is read all the same: it may be a text. */
const MEDIA_NAMES: ReadonlySet<string> = new Set([
  "image",
  "images",
  "video",
  "image_data",
  "video_data",
  "audio_data",
  "multi_modal_data",
  "multimodal_data",
]);

/** What parts of a message call themselves when there is more to them than their texts. */
const MEDIA_TYPES: ReadonlySet<unknown> = new Set([
  "image",
  "input_image",
  "audio",
  "video",
  "document",
  "input_file",
  "base64",
]);

type Members = Readonly<Record<string, unknown>>;

/** Is this member media, and no text. */
const isMedia = (record: Members, name: string): boolean =>
  record[name] !== null && (MEDIA_MEMBERS.has(name) || (name === "data" && record["type"] === "base64"));

/** Is there more to this member than its texts. At the top `audio` says how the model should speak. */
const hasMediaAtTop = (name: string, value: unknown): boolean =>
  value !== null && (MEDIA_MEMBERS.has(name) || MEDIA_NAMES.has(name)) && !(name === "audio" && isRecord(value));

const hasMedia = (record: Members): boolean =>
  MEDIA_TYPES.has(record["type"]) || Object.keys(record).some((name) => MEDIA_NAMES.has(name) && record[name] !== null);

/** For who does not walk in full: false only where the walk would say nothing of media. */
export const mayBeMedia = (record: Members, name: string): boolean =>
  MEDIA_MEMBERS.has(name) || MEDIA_NAMES.has(name) || MEDIA_TYPES.has(record["type"]);

/**
 * Reads every text that the model will see. Any JSON value is accepted; wrong shapes give fewer parts. `everyMember`:
 * the body is of a path whose shape is not known here, so no member is one that the model does not see. `unread`: what
 * is known already of what cannot be read.
 */
export function extractTextParts(body: unknown, everyMember = false, unread: Unread = ALL_READ): RailInput {
  const parts: TextPart[] = [];
  const walk = createWalk((part) => {
    parts.push(part);
    // It is read, but not the picture in it.
    if (isMediaText(everyMember, part.text)) walk.unseen.add("media");
    return part.text;
  });
  walkBody(walk, body, everyMember);
  const messages = isRecord(body) ? body["messages"] : null;
  const messageCount = Array.isArray(messages) ? messages.length : 0;
  const unseen = [...new Set([...unread.reasons, ...walk.unseen])].sort();
  const input: RailInput = { parts, messageCount, unseen };
  if (unread.bytes === 0) return everyMember ? { ...input, everyMember } : input;
  return { ...input, unreadBytes: unread.bytes, everyMember };
}

/**
 * A body in which only the strings that have redactions differ; everything else is shared with the original, which is
 * not changed. Without redactions it is the original itself.
 */
export function applyRedactions(body: unknown, spansByPath: SpansByPath, everyMember = false): unknown {
  return walkBody(
    createWalk(({ path, text }) => redact(text, spansByPath.get(path) ?? [])),
    body,
    everyMember,
  );
}

type Walk = {
  readonly onText: (part: TextPart) => string;
  readonly unseen: Set<UnseenReason>;
  parts: number;
};

type Position = { readonly path: string; readonly role: string; readonly depth: number };

function createWalk(onText: (part: TextPart) => string): Walk {
  return { onText, unseen: new Set(), parts: 0 };
}

function walkBody(walk: Walk, body: unknown, everyMember: boolean): unknown {
  if (!isRecord(body)) return everyMember ? walkValue(walk, body, { path: "", role: "user", depth: 0 }) : body;
  return mapMembers(body, (value, name) => {
    if (!everyMember && NOT_SHOWN.has(name)) return value;
    if (hasMediaAtTop(name, value)) walk.unseen.add("media");
    const role = Object.hasOwn(ROLES, name) ? (ROLES[name] ?? "user") : "user";
    return walkValue(walk, value, { path: name, role, depth: 0 });
  });
}

function walkValue(walk: Walk, value: unknown, at: Position): unknown {
  if (typeof value === "string") return walkText(walk, value, at);
  if (typeof value !== "object" || value === null) return value;
  if (at.depth >= TEXT_DEPTH_MAX) {
    walk.unseen.add("too_deep");
    return value;
  }
  const depth = at.depth + 1;
  if (Array.isArray(value)) {
    if (value.some((item) => typeof item === "number")) noteTokenIds(walk, at);
    return mapItems(value, (item, index) =>
      // A batch of token ids has hundreds of thousands of them.
      typeof item === "number" ? item : walkValue(walk, item, { ...at, path: `${at.path}[${index}]`, depth }),
    );
  }
  return walkRecord(walk, value as Record<string, unknown>, { ...at, depth });
}

function walkRecord(walk: Walk, record: Record<string, unknown>, at: Position): unknown {
  const role = roleIn(record, at.role);
  // A tool may have a parameter of that name.
  const mayHaveMedia = at.role !== "tool_definition";
  if (mayHaveMedia && hasMedia(record)) walk.unseen.add("media");
  return mapMembers(record, (value, name) => {
    if (typeof value === "string" && CLOSED_MEMBERS.has(name)) return value;
    if (mayHaveMedia && isMedia(record, name)) {
      walk.unseen.add("media");
      return value;
    }
    return walkValue(walk, value, { path: at.path + memberPath(name), role, depth: at.depth });
  });
}

function roleIn({ role, type }: Members, around: string): string {
  if (around !== "tool_definition" && typeof type === "string" && FOUND_BY_TOOL.test(type)) return "tool";
  return around === "" && typeof role === "string" ? role : around;
}

function walkText(walk: Walk, text: string, { path, role }: Position): string {
  if (text === "") return text;
  if (walk.parts >= TEXT_PARTS_MAX) {
    walk.unseen.add("too_many_parts");
    return text;
  }
  walk.parts += 1;
  return walk.onText({ path, role, text });
}

/**
 * Members whose numbers are token ids or a tensor, which the model reads and the rails cannot; elsewhere they are
 * numbers.
 */
const TOKEN_IDS = /(?:^|\.)(?:prompt\w*|input\w*|tokens?|token_ids|ids|context|content|data)(?:\[\d+\])*$/;

function noteTokenIds(walk: Walk, { path }: Position): void {
  if (TOKEN_IDS.test(path)) walk.unseen.add("token_ids");
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
  change: (value: unknown, name: string) => unknown,
): Record<string, unknown> {
  const entries = Object.entries(record);
  const changed = entries.map(([name, value]) => [name, change(value, name)] as const);
  return changed.some(([, value], index) => value !== entries[index]?.[1]) ? Object.fromEntries(changed) : record;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
