/**
 * Conversations as chat completions have them, made at random, and how a client of another protocol would write the same:
 * the way back, which the house itself does not have.
 */
import fc from "fast-check";

type Part =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image_url"; readonly image_url: { readonly url: string } };
type Call = {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
};

type Message =
  | { readonly role: "system" | "user"; readonly content: string | readonly Part[] }
  | {
      readonly role: "assistant";
      readonly content: string | null;
      readonly reasoning_content?: string;
      readonly tool_calls?: readonly Call[];
    }
  | { readonly role: "tool"; readonly tool_call_id: string; readonly content: string };

export type Chat = {
  readonly model: string;
  readonly messages: readonly Message[];
  readonly tools?: readonly { readonly type: "function"; readonly function: Readonly<Record<string, unknown>> }[];
  readonly tool_choice?: unknown;
  readonly max_tokens: number;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly user?: string;
};

/** Not empty: an empty text says the same as none. */
const said = fc.string({ minLength: 1, unit: "binary" });
const name = fc.stringMatching(/^[a-z_]{1,12}$/);
const input = fc.dictionary(
  fc.string({ maxLength: 6 }).filter((key) => key !== "__proto__"),
  fc.jsonValue({ maxDepth: 2 }),
  { maxKeys: 3 },
);

const textPart = said.map((text): Part => ({ type: "text", text }));
const imagePart = fc
  .constantFrom("https://pictures.example/a.png", "data:image/png;base64,AAAA", "data:image/jpeg;base64,/9j/")
  .map((url): Part => ({ type: "image_url", image_url: { url } }));
const parts = fc
  .array(fc.oneof(textPart, imagePart), { minLength: 1, maxLength: 4 })
  // One text alone is told as a string.
  .filter((some) => some.length > 1 || some[0]?.type !== "text");

const user = fc.oneof(said, parts).map((content): Message => ({ role: "user", content }));

const plain = fc
  .record({ content: said, reasoning: fc.option(said, { nil: undefined }) })
  .map(({ content, reasoning }): Message => ({
    role: "assistant",
    content,
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
  }));

/** Calls, and what they have found. */
const calling = fc
  .record({
    content: fc.option(said, { nil: null }),
    calls: fc.array(fc.record({ id: fc.uuid(), name, input, found: said }), { minLength: 1, maxLength: 3 }),
  })
  .map(({ content, calls }): readonly Message[] => [
    {
      role: "assistant",
      content,
      tool_calls: calls.map((call) => ({
        id: call.id,
        type: "function",
        function: { name: call.name, arguments: JSON.stringify(call.input) },
      })),
    },
    ...calls.map(({ id, found }): Message => ({ role: "tool", tool_call_id: id, content: found })),
  ]);

const turn = fc.oneof(
  fc.tuple(user, plain).map((messages): readonly Message[] => messages),
  fc.tuple(user, calling, plain).map(([asked, between, answered]) => [asked, ...between, answered]),
);

const tool = fc
  .record({ name, description: said, parameters: fc.constant({ type: "object" }), strict: fc.boolean() })
  .map((given) => ({ type: "function" as const, function: given }));

export const chats: fc.Arbitrary<Chat> = fc
  .record(
    {
      model: name,
      system: fc.option(said, { nil: null }),
      turns: fc.array(turn, { maxLength: 3 }),
      last: user,
      tools: fc.array(tool, { minLength: 1, maxLength: 3 }),
      tool_choice: fc.constantFrom<unknown>("auto", "none", "required", { type: "function", function: { name: "f" } }),
      max_tokens: fc.nat(),
      temperature: fc.double({ min: 0, max: 2, noNaN: true }),
      top_p: fc.double({ min: 0, max: 1, noNaN: true }),
      user: said,
    },
    { requiredKeys: ["model", "system", "turns", "last", "max_tokens"] },
  )
  .map(({ system, turns, last, tool_choice, ...rest }) => ({
    ...rest,
    ...(rest.tools === undefined || tool_choice === undefined ? {} : { tool_choice }),
    messages: [...(system === null ? [] : [{ role: "system" as const, content: system }]), ...turns.flat(), last],
  }));

const asParts = (content: string | readonly Part[]): readonly Part[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : content;

const inputOf = ({ function: { arguments: args } }: Call): unknown => JSON.parse(args) as unknown;

/** As Anthropic's clients write it. */
export function asMessages({ messages, tools, tool_choice, user: user_id, ...rest }: Chat): Record<string, unknown> {
  const system = messages.find(({ role }) => role === "system")?.content;
  const told: { role: string; content: object[] }[] = [];
  for (const message of messages) {
    if (message.role === "system") continue;
    const role = message.role === "assistant" ? "assistant" : "user";
    const blocks = blocksOf(message);
    const last = told.at(-1);
    if (message.role === "tool" && last?.role === "user") last.content.push(...blocks);
    else told.push({ role, content: blocks });
  }
  return {
    ...rest,
    messages: told,
    ...(system === undefined ? {} : { system }),
    ...(user_id === undefined ? {} : { metadata: { user_id } }),
    ...(tools === undefined
      ? {}
      : { tools: tools.map(({ function: { parameters, ...given } }) => ({ ...given, input_schema: parameters })) }),
    ...(tool_choice === undefined ? {} : { tool_choice: choiceOf(tool_choice) }),
  };
}

function choiceOf(choice: unknown): object {
  if (typeof choice === "string") return { type: choice === "required" ? "any" : choice };
  return { type: "tool", name: (choice as { function: { name: string } }).function.name };
}

function blocksOf(message: Message): object[] {
  switch (message.role) {
    case "tool":
      return [{ type: "tool_result", tool_use_id: message.tool_call_id, content: message.content }];
    case "assistant":
      return [
        ...(message.reasoning_content === undefined
          ? []
          : [{ type: "thinking", thinking: message.reasoning_content, signature: "" }]),
        ...(message.content === null ? [] : [{ type: "text", text: message.content }]),
        ...(message.tool_calls ?? []).map((call) => ({
          type: "tool_use",
          id: call.id,
          name: call.function.name,
          input: inputOf(call),
        })),
      ];
    case "system":
    case "user":
      return asParts(message.content).map((part) =>
        part.type === "text" ? part : { type: "image", source: sourceOf(part.image_url.url) },
      );
  }
}

function sourceOf(url: string): object {
  const [, media_type, data] = /^data:([^;]+);base64,(.*)$/.exec(url) ?? [];
  return data === undefined ? { type: "url", url } : { type: "base64", media_type, data };
}

/** As clients of Responses write it. */
export function asResponses({ messages, tools, tool_choice, max_tokens, ...rest }: Chat): Record<string, unknown> {
  const instructions = messages.find(({ role }) => role === "system")?.content;
  return {
    ...rest,
    max_output_tokens: max_tokens,
    ...(instructions === undefined ? {} : { instructions }),
    input: messages.flatMap(itemsOf),
    ...(tools === undefined ? {} : { tools: tools.map(({ function: given }) => ({ type: "function", ...given })) }),
    ...(tool_choice === undefined ? {} : { tool_choice: namedChoice(tool_choice) }),
  };
}

const namedChoice = (choice: unknown): unknown =>
  typeof choice === "string" ? choice : { type: "function", ...(choice as { function: object }).function };

function itemsOf(message: Message): object[] {
  switch (message.role) {
    case "system":
      return [];
    case "tool":
      return [{ type: "function_call_output", call_id: message.tool_call_id, output: message.content }];
    case "assistant":
      return [
        ...(message.reasoning_content === undefined
          ? []
          : [
              {
                type: "reasoning",
                id: "rs",
                summary: [],
                content: [{ type: "reasoning_text", text: message.reasoning_content }],
              },
            ]),
        ...(message.content === null
          ? []
          : [
              {
                type: "message",
                role: "assistant",
                content: [{ type: "output_text", text: message.content, annotations: [] }],
              },
            ]),
        ...(message.tool_calls ?? []).map((call) => ({
          type: "function_call",
          call_id: call.id,
          name: call.function.name,
          arguments: call.function.arguments,
        })),
      ];
    case "user": {
      const told = asParts(message.content).map((part) =>
        part.type === "text"
          ? { type: "input_text", text: part.text }
          : { type: "input_image", image_url: part.image_url.url },
      );
      return [{ role: "user", content: told }];
    }
  }
}
