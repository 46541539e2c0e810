/**
 * Decides, cheaply, that a body holds nothing for the in-isolate rails to find: what nearly every request pays.
 *
 * Model. One walk over the same texts as `text-parts.ts`, without paths and without results per part. It may only err
 * on the side of looking again: whatever it cannot vouch for (a finding, a bound, an unusual shape) makes the answer
 * false, and the rails then run in full. A property test holds it to that.
 * Rejected: caching verdicts by body, which keeps prompts in memory.
 */
import { STEPS_PER_PART } from "../core/budget.ts";
import { isMediaText } from "../core/text/media-text.ts";
import { findSecrets } from "./secrets/secrets.ts";
import { CLOSED_MEMBERS, mayBeMedia, NOT_SHOWN, TEXT_DEPTH_MAX, TEXT_PARTS_MAX } from "../core/text/text-parts.ts";

export type CleanBounds = {
  /** Characters over all texts; null: no bound. */
  readonly charsMax: number | null;
  readonly messagesMax: number | null;
  /** What the rail `secrets` may read in its time, as `budget.ts` counts it; null: no bound. */
  readonly stepsMax: number | null;
  /** Do texts with credentials count as clean. */
  readonly secretsAllowed: boolean;
};

type Glance = { readonly everyMember: boolean; readonly texts: string[]; chars: number };

/** True only if no text breaks the bounds and every text was looked at. False says nothing. */
export function isSurelyClean(body: unknown, bounds: CleanBounds, everyMember = false): boolean {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return !everyMember || body === null;
  const members = body as Record<string, unknown>;
  const { messages } = members;
  if (bounds.messagesMax !== null && Array.isArray(messages) && messages.length > bounds.messagesMax) return false;
  const glance: Glance = { everyMember, texts: [], chars: 0 };
  for (const name of Object.keys(members)) {
    if (!everyMember && NOT_SHOWN.has(name)) continue;
    if (mayBeMedia(members, name) || !isClean(glance, members[name], 0)) return false;
  }
  // The texts themselves come last: what is too long is not read.
  const { chars, texts } = glance;
  if (bounds.charsMax !== null && chars > bounds.charsMax) return false;
  if (bounds.stepsMax !== null && chars + texts.length * STEPS_PER_PART > bounds.stepsMax) return false;
  return bounds.secretsAllowed || texts.every((text) => findSecrets(text).length === 0);
}

function isClean(glance: Glance, value: unknown, depth: number): boolean {
  if (typeof value === "string") return isCleanText(glance, value);
  if (typeof value !== "object" || value === null) return true;
  if (depth >= TEXT_DEPTH_MAX) return false;
  if (Array.isArray(value)) {
    // Numbers in a list may be token ids, which depends on where it is: let the full walk tell.
    for (const item of value) if (typeof item === "number" || !isClean(glance, item, depth + 1)) return false;
    return true;
  }
  const record = value as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(value)) {
    const member = record[name];
    // Not so in the definition of a tool: let the full walk tell.
    if (mayBeMedia(record, name)) return false;
    if (typeof member === "string" && CLOSED_MEMBERS.has(name)) continue;
    if (!isClean(glance, member, depth + 1)) return false;
  }
  return true;
}

function isCleanText(glance: Glance, text: string): boolean {
  glance.chars += text.length;
  glance.texts.push(text);
  return glance.texts.length <= TEXT_PARTS_MAX && !isMediaText(glance.everyMember, text);
}
