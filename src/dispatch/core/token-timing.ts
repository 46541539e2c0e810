/**
 * Decides when an answer has begun: whether the data of an event carries output of the model.
 *
 * Model. TTFT is the time from send to the first NON-EMPTY token. Servers first send a chunk that only names the role,
 * before the prompt is read; taken for a token, it would make every endpoint look fast.
 * Source: docs/reference/glossary.md; vLLM's serving benchmark.
 * Rejected: a list of the members that are output. Vendors add new ones; those that are none are few and known.
 */

/** Members of a chat delta that say who speaks, or stand beside the output. */
const NO_OUTPUT: ReadonlySet<string> = new Set(["role", "name", "tool_calls", "function_call"]);

/**
 * True if the data of one event is an OpenAI chat or completion chunk that carries model output: text, reasoning, or a
 * tool call's name or arguments. A role-only chunk, a usage chunk, `[DONE]`, an error and garbage are false. Never
 * throws.
 */
export function firstNonEmptyToken(data: string): boolean {
  const choices = memberOf(parsed(data), "choices");
  return Array.isArray(choices) && choices.some(hasOutput);
}

/**
 * Does a choice of a chat or completion chunk carry output. A member that nobody knew yet (audio, images) is one too.
 */
export function hasOutput(choice: unknown): boolean {
  const delta = memberOf(choice, "delta");
  if (isText(memberOf(choice, "text"))) return true;
  if (typeof delta !== "object" || delta === null) return false;
  if (Object.entries(delta).some(([name, value]) => !NO_OUTPUT.has(name) && isFilled(value))) return true;
  const calls = memberOf(delta, "tool_calls");
  if (Array.isArray(calls) && calls.some((call) => isFunctionCall(memberOf(call, "function")))) return true;
  return isFunctionCall(memberOf(delta, "function_call"));
}

/** The name counts: the model has generated it, and it comes before the first byte of the arguments. */
function isFunctionCall(call: unknown): boolean {
  return isText(memberOf(call, "arguments")) || isText(memberOf(call, "name"));
}

function isFilled(value: unknown): boolean {
  return isText(value) || (typeof value === "object" && value !== null && Object.keys(value).length > 0);
}

export function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

export function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && name in value ? (value as Record<string, unknown>)[name] : null;
}

/** Null when it is no JSON. */
export function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return null;
  }
}
