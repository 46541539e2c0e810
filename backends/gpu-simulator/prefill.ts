/**
 * A request whose last message is to be gone on with (vLLM's and SGLang's `continue_final_message`).
 *
 * Model. A model at temperature 0 says after a beginning what it would have said had the beginning been its own. Texts here come
 * from the bytes of the request, so those of the request without the beginning are put together again: the message and the flags
 * taken out, the tokens of the beginning added to its limits. It holds for bodies that `JSON.stringify` has written.
 */
import { isObject } from "../../src/lib/json-object.ts";

/** Words, each a token: how many the answer has already, and the request as it was before it had any. */
export type Begun = { readonly tokens: number; readonly original: Buffer };

const LIMITS = ["max_tokens", "max_completion_tokens"];

export function begunBy(body: Buffer): Begun {
  const none = { tokens: 0, original: body };
  const json: unknown = JSON.parse(body.toString("utf8"));
  if (!isObject(json) || json["continue_final_message"] !== true || !Array.isArray(json["messages"])) return none;
  const last: unknown = json["messages"].at(-1);
  if (!isObject(last) || last["role"] !== "assistant" || typeof last["content"] !== "string") return none;
  const tokens = last["content"].split(" ").length;
  const { continue_final_message: _, add_generation_prompt: __, ...original } = json;
  const whole: Record<string, unknown> = { ...original, messages: json["messages"].slice(0, -1) };
  for (const name of LIMITS) {
    const limit = whole[name];
    if (typeof limit === "number") whole[name] = limit + tokens;
  }
  return { tokens, original: Buffer.from(JSON.stringify(whole)) };
}
