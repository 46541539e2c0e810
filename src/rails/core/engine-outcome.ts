/**
 * Decides what a stage of input rails leaves behind: the body to send, what its placeholders stand for, and the texts
 * that outside rails get to see.
 *
 * Model. All redactions are merged and applied once. Personal data alone gets numbered placeholders, the same for the
 * same value in the whole request; what another rail has found as well is never put back. Who is asked outside sees the
 * texts with the redactions of the inside rails masked character by character, so that a credential does not travel to
 * a third party for a check, and the offsets in its answer still hold.
 * Rejected: applying each rail's redactions in turn, which makes the result depend on the order.
 */
import type { Span, SpansByPath } from "./spans.ts";
import type { StageVerdict } from "./verdict.ts";
import { placeholders } from "./pii-placeholders.ts";
import type { RailInput, TextPart } from "./rail.ts";
import { applyRedactions } from "./text/text-parts.ts";

/** Put in place of each character that an outside rail is not to see. */
export const MASK = "\u2588";

export type RedactedBody = {
  /** The same object if nothing was redacted. */
  readonly body: unknown;
  /** By placeholder. Personal data: lives as long as its request, is never logged. */
  readonly originals: ReadonlyMap<string, string>;
};

const NO_ORIGINALS: ReadonlyMap<string, string> = new Map();

/** `personal`: names of the rails whose findings get placeholders. */
export function redactBody(
  body: unknown,
  { parts, everyMember }: RailInput,
  { verdict, spans }: Pick<StageVerdict, "verdict" | "spans">,
  personal: ReadonlySet<string>,
): RedactedBody {
  if (verdict !== "redact") return { body, originals: NO_ORIGINALS };
  const own = filterSpans(spans, (span) => isPersonal(span, personal));
  if (own.size === 0) return { body: applyRedactions(body, spans, everyMember), originals: NO_ORIGINALS };
  const others = filterSpans(spans, (span) => !isPersonal(span, personal));
  const named = placeholders(parts, own);
  const paths = new Set([...named.spans.keys(), ...others.keys()]);
  const all = [...paths].map(
    (path) => [path, [...(named.spans.get(path) ?? []), ...(others.get(path) ?? [])]] as const,
  );
  return { body: applyRedactions(body, new Map(all), everyMember), originals: named.originals };
}

/** The texts with every redaction masked, as long as they were. */
export function maskParts(parts: readonly TextPart[], spans: SpansByPath): readonly TextPart[] {
  if (spans.size === 0) return parts;
  return parts.map((part) => {
    const redactions = (spans.get(part.path) ?? []).filter(({ action }) => action === "redact");
    if (redactions.length === 0) return part;
    let text = "";
    let from = 0;
    for (const { start, end } of redactions) {
      text += part.text.slice(from, start) + MASK.repeat(end - start);
      from = end;
    }
    return { ...part, text: text + part.text.slice(from) };
  });
}

function isPersonal({ rail, action }: Span, personal: ReadonlySet<string>): boolean {
  return action === "redact" && rail.split("+").every((name) => personal.has(name));
}

function filterSpans(spans: SpansByPath, keeps: (span: Span) => boolean): SpansByPath {
  const kept = [...spans].map(([path, list]) => [path, list.filter(keeps)] as const);
  return new Map(kept.filter(([, list]) => list.length > 0));
}
