/**
 * Decides which strings of a request body the model will see, and puts redacted ones back.
 *
 * Model. Below a fixed list of top-level members every string counts, whatever the shape around it: a rail that knows
 * only the documented shapes is bypassed by an undocumented one. Left out are `role` and `type`, which servers check
 * against closed sets, and media, which are not text. One walk serves both directions, so what was read is what is
 * written: extraction ignores the walk's result, redaction uses it.
 * Source: design.md section 5; facts/gateways.md 3.1 (a gateway that scans the last message only).
 * Rejected: parsing paths back into a body (two notions of a path), and JSON text as one part (escapes hide matches).
 */
import { redact } from "../spans.ts";
import type { SpansByPath } from "../spans.ts";
import type { RailInput, TextPart, UnseenReason } from "./rail.ts";

/** Texts in one body: 1,000 messages with sixteen texts each. Beyond it the input says `too_many_parts`. */
export const TEXT_PARTS_MAX = 16_384;

/** Nesting below a top-level member: JSON schemas of tools stay below twenty. Beyond it the input says `too_deep`. */
export const TEXT_DEPTH_MAX = 64;

/** Top-level members that reach the model as text, with the role of the texts that have no message around them. */
export const VISIBLE: Readonly<Record<string, string>> = {
  messages: "",
  prompt: "user",
  suffix: "user",
  input: "user",
  query: "user",
  documents: "user",
  prediction: "user",
  system: "system",
  instructions: "system",
  tools: "tool_definition",
  functions: "tool_definition",
  response_format: "tool_definition",
};

/** Checked by the server against closed sets, so no free text fits in. */
export const CLOSED_MEMBERS: ReadonlySet<string> = new Set(["role", "type"]);

/** Parts of a message that are not text; base64 in them would count as characters and cost time to scan. */
export const MEDIA_MEMBERS: ReadonlySet<string> = new Set([
  "image_url",
  "video_url",
  "audio_url",
  "input_audio",
  "audio",
  "file",
]);

/**
 * Reads every text that the model will see. Any JSON value is accepted; wrong shapes give fewer parts. `everyMember`: the
 * body is of a path whose shape is not known here, so every string in it may reach a model.
 */
export function extractTextParts(body: unknown, everyMember = false): RailInput {
  const parts: TextPart[] = [];
  const walk = createWalk((part) => {
    parts.push(part);
    return part.text;
  });
  walkBody(walk, body, everyMember);
  const messages = isRecord(body) ? body["messages"] : null;
  const messageCount = Array.isArray(messages) ? messages.length : 0;
  const input: RailInput = { parts, messageCount, unseen: [...walk.unseen].sort() };
  return everyMember ? { ...input, everyMember } : input;
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
    const role = Object.hasOwn(VISIBLE, name) ? VISIBLE[name] : everyMember ? "user" : undefined;
    return role === undefined ? value : walkValue(walk, value, { path: name, role, depth: 0 });
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
    return mapItems(value, (item, index) => walkValue(walk, item, { ...at, path: `${at.path}[${index}]`, depth }));
  }
  return walkRecord(walk, value as Record<string, unknown>, { ...at, depth });
}

function walkRecord(walk: Walk, record: Record<string, unknown>, at: Position): unknown {
  const role = at.role === "" && typeof record["role"] === "string" ? record["role"] : at.role;
  return mapMembers(record, (value, name) => {
    if (typeof value === "string" && CLOSED_MEMBERS.has(name)) return value;
    if (MEDIA_MEMBERS.has(name) && value !== null && at.role !== "tool_definition") {
      walk.unseen.add("media");
      return value;
    }
    return walkValue(walk, value, { path: at.path + memberPath(name), role, depth: at.depth });
  });
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

/** A prompt or an input may be token ids: the model reads them, the rails cannot. Numbers elsewhere are just numbers. */
function noteTokenIds(walk: Walk, { path }: Position): void {
  if (path.startsWith("prompt") || path.startsWith("input")) walk.unseen.add("token_ids");
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
