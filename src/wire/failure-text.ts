/**
 * Decides what is shown of an answer that failed: one line for operators, without what must not lie in a log.
 *
 * Model. Of the start of the answer first the credential that was sent is removed, then what the scanners of the rails
 * `secrets` and `pii` find. What a terminal acts on becomes a blank, so that an endpoint cannot forge or break a line
 * of the log. Then it is cut. The scanners see more than is shown, since half a key would not look like one. This is a
 * part of the bundle of its own, loaded by the first failure that is shown.
 * Rejected: showing the answer as it is, since engines quote prompts and headers in their errors; and the status alone,
 * which does not tell "CUDA out of memory" from a bug.
 */
import { findPii, PII_ENTITIES } from "../rails/detectors/pii/pii.ts";
import { findSecrets } from "../rails/detectors/secrets/secrets.ts";
import { FAILURE_CHARS_MAX } from "../routing/core/shard-messages.ts";
import { withoutForms } from "./credential-forms.ts";
import { mergeSpans, redact } from "../rails/core/spans.ts";

/** Shown of a failure, in bytes of UTF-8: an error's first sentence. */
export const FAILURE_BYTES_MAX = 200;

/** `text`: the start of the answer, or what broke. `credentials`: what was sent to the endpoint, in every form. */
export function failureText(text: string, credentials: readonly string[] = []): string {
  const seen = withoutForms(text.slice(0, FAILURE_CHARS_MAX), credentials);
  const found = [...findSecrets(seen), ...findPii(seen, { entities: PII_ENTITIES })];
  const spans = found.map((span) => ({ ...span, rail: "failure", action: "redact" as const }));
  const line = redact(seen, mergeSpans(spans)).replaceAll(UNPRINTABLE, " ").trim();
  const bytes = new TextEncoder().encode(line).subarray(0, FAILURE_BYTES_MAX);
  // A character that the end cuts is left out.
  return new TextDecoder().decode(bytes, { stream: true });
}

/**
 * Control and format characters (terminals act on them, and right-to-left marks hide text), breaks, lone surrogates.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;
