/** What a client is told whose request target is refused: what is wrong with it, and what to send instead. */
import type { TargetProblem } from "./request-target.ts";
import { TARGET_CHARS_MAX } from "./request-target.ts";

export const TARGET_PROBLEMS: Readonly<Record<TargetProblem, string>> = {
  host: "must be a path behind a Host header with a plain name or address.",
  form: 'must be a path that starts with "/".',
  too_long: `must have at most ${TARGET_CHARS_MAX} characters.`,
  character: 'must be percent-encoded: it has a backslash, a "#", a space or another character that no path may hold.',
  encoding: "must be encoded once, as UTF-8: a percent sign stands before two hex digits.",
  encoded_slash: 'must not have an encoded slash or backslash: write "/". Only names below /v1/models/ may have one.',
  control: "must not have an encoded control character.",
  dot_segment: 'must not have "." or ".." as a segment: write the path that is meant.',
};
