/**
 * What `injection` is measured beside, with `--keywords`: the simplest thing that people use instead of it.
 *
 * Model. A list of phrases, looked for in lower case with spaces as one. The phrases are those that every such list has; the list is written for this project, so that no one's work is copied.
 * Rejected: running other people's tools from here, which do not install everywhere.
 */
import type { EvalRail } from "../eval-known-rails.ts";

const PHRASES = `ignore previous instructions|ignore all previous|ignore your previous|ignore the previous|ignore all prior
ignore prior instructions|ignore the above|ignore all instructions|disregard previous|disregard all previous|disregard the above
disregard your|forget everything|forget all previous|forget your instructions|forget previous|system prompt|your instructions
new instructions|override your|you are now|developer mode|do anything now|jailbreak|pretend you are|act as if you
without restrictions|no restrictions|bypass your|reveal your|print your prompt|repeat the words above|roleplay as`;

const LIST = PHRASES.split(/[|\n]/);

export const keywordsRail: EvalRail = {
  inspect: (text) => {
    const folded = text.toLowerCase().replace(/\s+/g, " ");
    const isFound = LIST.some((phrase) => folded.includes(phrase));
    return { isFound, spans: [], reasons: isFound ? ["keywords"] : [] };
  },
  spans: "presence",
  ownType: (type) => type,
  strangeTypes: [],
};
