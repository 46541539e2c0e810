/** A request for chat completions, as far as it is written here. */

export type TextPart = { readonly type: "text"; readonly text: string };
export type Part = TextPart | { readonly type: string; readonly [member: string]: unknown };

type ToolCall = {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
};

export type ChatMessage = {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string | readonly Part[] | null;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
};

export const toolCall = (id: string, name: string, args: string): ToolCall => ({
  id,
  type: "function",
  function: { name, arguments: args },
});

export const textPart = (text: string): TextPart => ({ type: "text", text });

const isTextPart = (part: Part): part is TextPart => part.type === "text";

/** One text is told as a string, which every template of an engine takes; several parts stay parts. */
export function contentOf(parts: readonly Part[]): string | readonly Part[] {
  const [first] = parts;
  if (first === undefined) return "";
  return parts.length === 1 && isTextPart(first) ? first.text : parts;
}

/** Parts that only a user's message may have follow behind those of the tools. */
export function splitParts(parts: readonly Part[]): {
  readonly texts: readonly Part[];
  readonly media: readonly Part[];
} {
  return { texts: parts.filter(isTextPart), media: parts.filter((part) => !isTextPart(part)) };
}

const TEXTS_APART = "\n\n";

/** The system's words stand together at the beginning: some templates take one such message, and only there. */
export function systemFirst(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const others = messages.findIndex(({ role }) => role !== "system");
  const leading = others === -1 ? messages : messages.slice(0, others);
  if (leading.length < 2) return messages;
  const texts = leading.map(({ content }) =>
    typeof content === "string"
      ? content
      : (content ?? []).map((part) => (isTextPart(part) ? part.text : "")).join(TEXTS_APART),
  );
  return [{ role: "system", content: texts.join(TEXTS_APART) }, ...messages.slice(leading.length)];
}

/** Schema of an answer, as chat completions ask for it. */
export const schemaFormat = (name: string, given: Readonly<Record<string, unknown>>) => ({
  type: "json_schema",
  json_schema: { name, ...given },
});

/** How the end of a stream tells its usage; `each`: so that it is known from the first chunk on, where an engine can. */
export const STREAM_OPTIONS = { include_usage: true, continuous_usage_stats: true } as const;
