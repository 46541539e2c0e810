/**
 * Decides, cheaply, that a body holds nothing for the in-isolate rails to find: what nearly every request pays.
 *
 * Model. One walk over the same texts as `text-parts.ts`, without paths and without results per part. It may only err
 * on the side of looking again: whatever it cannot vouch for (a finding, a bound, an unusual shape) makes the answer
 * false, and the rails then run in full. A property test holds it to that.
 * Rejected: caching verdicts by body, which keeps prompts in memory.
 */
import { STEPS_PER_PART } from "../core/budget.ts";
import { findSecrets } from "./secrets/secrets.ts";
import { isKnownValue, KNOWN_NAMES, mayBeMedia } from "../core/text/known-members.ts";
import { NUMBER_MIN, TEXT_DEPTH_MAX, TEXT_PARTS_MAX } from "../core/text/text-bounds.ts";
import type { Members } from "../core/text/known-members.ts";
import { isSurelyPlain } from "../core/text/plain-text.ts";
import { hasOddEdge, mayGoOnAmong } from "../core/text/seams.ts";

export type CleanBounds = {
  /** Characters over all texts; null: no bound. */
  readonly charsMax: number | null;
  readonly messagesMax: number | null;
  /** What the rail `secrets` may read in its time, as `budget.ts` counts it; null: no bound. */
  readonly stepsMax: number | null;
  /** Do texts with credentials count as clean. */
  readonly secretsAllowed: boolean;
};

type Glance = {
  readonly texts: string[];
  /** Texts that may go on in each other. */
  readonly contents: string[];
  chars: number;
};

/** Says, where it says yes, that a text is no more than what is read in it. */
export type IsPlain = (text: string) => boolean;

/** Of a request, what may be text. */
export type Glanced = {
  readonly body: unknown;
  readonly everyMember: boolean;
  readonly beside: readonly { readonly text: string }[];
};

/** `isPlain`: how well texts can be told apart, by what is loaded. */
export function isCleanRequest({ body, everyMember, beside }: Glanced, bounds: CleanBounds, isPlain: IsPlain): boolean {
  if (!beside.every(({ text }) => isPlain(text))) return false;
  if (!isSurelyClean(body, bounds, everyMember, isPlain)) return false;
  return beside.every(({ text }) => isClear(text, bounds));
}

/** True only if no text breaks the bounds and every text was looked at. False says nothing. */
export function isSurelyClean(
  body: unknown,
  bounds: CleanBounds,
  everyMember = false,
  isPlain: IsPlain = isSurelyPlain,
): boolean {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return !everyMember || body === null;
  const members = body as Members;
  const { messages } = members;
  if (bounds.messagesMax !== null && Array.isArray(messages) && messages.length > bounds.messagesMax) return false;
  const glance: Glance = { texts: [], contents: [], chars: 0 };
  if (!areClean(glance, members, 0)) return false;
  // The texts themselves come last: what is too long is not read.
  const { chars, texts, contents } = glance;
  if (bounds.charsMax !== null && chars > bounds.charsMax) return false;
  if (bounds.stepsMax !== null && chars + texts.length * STEPS_PER_PART > bounds.stepsMax) return false;
  // What shows soonest comes first: who must read in full begins anew.
  if (!texts.every((text) => isPlain(text))) return false;
  if (!bounds.secretsAllowed && contents.length > 1 && contents.some(hasOddEdge) && mayGoOnAmong(contents))
    return false;
  return texts.every((text) => isClear(text, bounds));
}

/** By itself. */
function isClear(text: string, { secretsAllowed }: CleanBounds): boolean {
  return secretsAllowed || findSecrets(text).length === 0;
}

/** `name`: of the member that it is in. */
function isClean(glance: Glance, value: unknown, depth: number, name: string): boolean {
  if (typeof value === "string") {
    if (name === "content" || name === "text") glance.contents.push(value);
    return take(glance, value);
  }
  // Only the full walk reads long ones.
  if (typeof value === "number") return Math.abs(value) < NUMBER_MIN;
  if (typeof value !== "object" || value === null) return true;
  if (depth >= TEXT_DEPTH_MAX) return false;
  if (!Array.isArray(value)) return areClean(glance, value as Members, depth + 1);
  // Numbers in a list may be token ids, which depends on where it is: let the full walk tell.
  for (const item of value) if (typeof item === "number" || !isClean(glance, item, depth + 1, name)) return false;
  return true;
}

function areClean(glance: Glance, record: Members, depth: number): boolean {
  for (const name of Object.keys(record)) {
    const member = record[name];
    // Not so in the definition of a tool: let the full walk tell.
    if (mayBeMedia(record, name) || (!KNOWN_NAMES.has(name) && !take(glance, name))) return false;
    if (!isKnownValue(name, member) && !isClean(glance, member, depth, name)) return false;
  }
  return true;
}

/** It is read when all are there. */
function take(glance: Glance, text: string): boolean {
  glance.chars += text.length;
  glance.texts.push(text);
  return glance.texts.length <= TEXT_PARTS_MAX;
}
