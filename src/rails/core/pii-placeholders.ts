/**
 * Decides what stands in a request in place of personal data, and puts the data back into the answer.
 *
 * Model. One value of one type has one placeholder in the whole request, such as `[EMAIL_1]`, numbered by first
 * appearance, so the model can still tell people apart. A placeholder that the request already contains is not used.
 * The restorer is an automaton over the answer: it holds back a tail only while that could still become a placeholder,
 * so what comes out does not depend on how the answer was cut.
 * Rejected: placeholders made from the value (a hash tells whoever guesses the value), and one fixed
 * mask, which cannot be undone.
 */
import { invariant } from "../../lib/invariant.ts";
import type { FoundSpan, TextPart } from "./rail.ts";

/** Characters of a type in a placeholder; merged types ("email+phone") may have long names. */
const LABEL_CHARS_MAX = 32;

export type Placeholders<Found extends FoundSpan> = {
  /** The spans as given, each with its placeholder as the replacement. */
  readonly spans: ReadonlyMap<string, readonly (Found & { readonly replacement: string })[]>;
  /** What each placeholder stands for. It is personal data: it lives as long as the request and is never logged. */
  readonly originals: ReadonlyMap<string, string>;
};

/**
 * Gives every span its placeholder, over all parts in their order. The spans of a part must not overlap or touch: give
 * those that a stage has merged (`StageVerdict.spans`), and of these the redactions. Spans of unknown paths are left
 * out.
 */
export function placeholders<Found extends FoundSpan>(
  parts: readonly TextPart[],
  spansByPath: ReadonlyMap<string, readonly Found[]>,
): Placeholders<Found> {
  const spans = new Map<string, readonly (Found & { readonly replacement: string })[]>();
  const originals = new Map<string, string>();
  if (spansByPath.size === 0) return { spans, originals };
  const taken = takenPlaceholders(parts);
  const known = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const { path, text } of parts) {
    const found = spansByPath.get(path);
    if (found === undefined) continue;
    const replaced = found
      .toSorted((one, other) => one.start - other.start)
      .map((span) => {
        const label = labelOf(span.type);
        const original = text.slice(span.start, span.end);
        const key = `${label} ${original}`;
        const replacement = known.get(key) ?? nextPlaceholder(label, counts, taken);
        known.set(key, replacement);
        originals.set(replacement, original);
        return { ...span, replacement };
      });
    spans.set(path, replaced);
  }
  return { spans, originals };
}

/** Puts back what the placeholders in a text stand for. */
export function restorePlaceholders(text: string, originals: ReadonlyMap<string, string>): string {
  const restorer = createRestorer(originals);
  return restorer.push(text) + restorer.end();
}

export type Restorer = {
  /** What may be sent of the answer so far: never more than one unfinished placeholder less than what came in. */
  push(delta: string): string;
  /** What is left at the end of the answer. */
  end(): string;
};

/** The same as `restorePlaceholders`, for an answer that comes in pieces. */
export function createRestorer(originals: ReadonlyMap<string, string>): Restorer {
  const prefixes = prefixesOf(originals.keys());
  let held = "";
  return {
    push(delta: string): string {
      // Without placeholders, or with none begun and none in sight, the answer passes as it is.
      if (prefixes.size === 0 || (held === "" && !delta.includes("["))) return delta;
      let out = "";
      let from = 0;
      for (let at = 0; at < delta.length; at += 1) {
        const char = delta.charAt(at);
        if (held === "") {
          if (char !== "[") continue;
          out += delta.slice(from, at);
          held = char;
          from = at + 1;
          continue;
        }
        const longer = held + char;
        const original = originals.get(longer);
        if (original === undefined && prefixes.has(longer)) held = longer;
        else {
          // A bracket only opens a placeholder, so what was held cannot hide the start of another one.
          out += original ?? (char === "[" ? held : longer);
          held = original === undefined && char === "[" ? char : "";
        }
        from = at + 1;
      }
      return out + delta.slice(from);
    },
    end(): string {
      const rest = held;
      held = "";
      return rest;
    },
  };
}

/** All beginnings of all placeholders but the placeholders themselves. */
function prefixesOf(names: Iterable<string>): ReadonlySet<string> {
  const prefixes = new Set<string>();
  for (const name of names) {
    const isWhole = name.length > 2 && name.startsWith("[") && name.indexOf("]") === name.length - 1;
    invariant(isWhole && !name.includes("[", 1), "a placeholder is one pair of brackets");
    for (let length = 1; length < name.length; length += 1) prefixes.add(name.slice(0, length));
  }
  return prefixes;
}

function nextPlaceholder(label: string, counts: Map<string, number>, taken: ReadonlySet<string>): string {
  for (;;) {
    const count = (counts.get(label) ?? 0) + 1;
    counts.set(label, count);
    const placeholder = `[${label}_${count}]`;
    if (!taken.has(placeholder)) return placeholder;
  }
}

/** Everything in the parts that has the shape of a placeholder. */
function takenPlaceholders(parts: readonly TextPart[]): ReadonlySet<string> {
  const taken = new Set<string>();
  for (const { text } of parts) {
    for (let open = text.indexOf("["); open >= 0; open = text.indexOf("[", open + 1)) {
      // A label, "_", the number's digits and the brackets.
      const candidate = text.slice(open, open + LABEL_CHARS_MAX + 16);
      const close = candidate.indexOf("]");
      if (close > 0) taken.add(candidate.slice(0, close + 1));
    }
  }
  return taken;
}

/** "email+phone" becomes "EMAIL_PHONE". */
function labelOf(type: string): string {
  let label = "";
  for (const char of type.toUpperCase().slice(0, LABEL_CHARS_MAX)) {
    label += (char >= "A" && char <= "Z") || (char >= "0" && char <= "9") ? char : "_";
  }
  return label === "" ? "PII" : label;
}
