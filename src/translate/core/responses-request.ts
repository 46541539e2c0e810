/**
 * Decides how a request for OpenAI's Responses is told to an endpoint that speaks chat completions.
 *
 * Model. The table says what becomes of each member; below it stands what has code of its own. Such an endpoint keeps
 * nothing: whatever goes on from something kept, or is to be looked at later, is refused. A custom tool, whose input is any text, becomes
 * a function with one text, and its calls become the tool's again in the answer.
 * Source: OpenAI's references of Responses and of chat completions.
 */
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { schemaFormat, STREAM_OPTIONS } from "./chat-request.ts";
import { isObject } from "../../lib/json-object.ts";
import { isThere, listOf, objectOf, textOf } from "./json.ts";
import type { JsonObject } from "../../lib/json-object.ts";
import { as, createCourse, DROPPED, only, OURS, READ, cannotTell, listAt, tellMembers } from "./members.ts";
import type { Course, Members, Untold } from "./members.ts";
import type { ChatRequest } from "./messages-request.ts";
import { inputMessages } from "./responses-items.ts";

const KEPT = "answers that are kept";

const MEMBERS: Members = {
  model: as("model"),
  // The older name, which every engine knows.
  max_output_tokens: as("max_tokens"),
  temperature: as("temperature"),
  top_p: as("top_p"),
  stream: as("stream"),
  parallel_tool_calls: READ,
  user: as("user"),
  input: READ,
  instructions: READ,
  tools: READ,
  tool_choice: READ,
  reasoning: READ,
  text: READ,
  include: READ,
  // Echoed in the answer, or of use to the router.
  metadata: OURS,
  prompt_cache_key: OURS,
  prompt_cache_retention: DROPPED,
  safety_identifier: DROPPED,
  service_tier: DROPPED,
  client_metadata: DROPPED,
  context_management: DROPPED,
  // Calls of OpenAI's own tools, of which there are none.
  max_tool_calls: OURS,
  stream_options: OURS,
  // The answer says that it is not kept.
  store: READ,
  background: only([false], "answers in the background"),
  previous_response_id: only([], KEPT),
  conversation: only([], KEPT),
  prompt: only([], "prompts that are kept"),
  truncation: only(["disabled"], "truncation"),
  top_logprobs: only([0], "log probabilities in this form"),
};

export function responsesToChat(body: JsonObject): Result<ChatRequest, Untold> {
  const course = createCourse();
  const members = tellMembers(body, MEMBERS, course);
  if (body["store"] === true) course.dropped.add("store");
  for (const [index, wish] of listAt(body["include"], "include", course).entries()) {
    if (wish === "reasoning.encrypted_content") course.dropped.add("encrypted_content");
    else cannotTell(course, `include[${index}]`, `"${textOf(wish)}"`);
  }
  const told = {
    ...members,
    messages: inputMessages(body, course),
    ...toolsOf(body, course),
    ...reasoningOf(body, course),
    ...textFormat(body, course),
    ...(body["stream"] === true ? { stream_options: STREAM_OPTIONS } : {}),
  };
  return course.untold === null ? ok({ body: told, dropped: [...course.dropped] }) : err(course.untold);
}

/** Names of the tools whose input is any text. */
export const customTools = (body: JsonObject): ReadonlySet<string> =>
  new Set(
    listOf(body["tools"])
      .map(objectOf)
      .filter(({ type }) => type === "custom")
      .map(({ name }) => textOf(name)),
  );

function toolsOf(body: JsonObject, course: Course): JsonObject {
  const { tool_choice: choice, parallel_tool_calls: parallel } = body;
  const tools = listAt(body["tools"], "tools", course).flatMap((item, index) =>
    toolOf(objectOf(item), `tools[${index}]`, course),
  );
  if (tools.length === 0) return {};
  const { kept, told } = choiceOf(choice, course);
  const left = kept === null ? tools : tools.filter(({ function: { name } }) => kept.has(textOf(name)));
  return {
    ...(left.length === 0 ? {} : { tools: left }),
    ...(told === null || left.length === 0 ? {} : { tool_choice: told }),
    ...(typeof parallel === "boolean" ? { parallel_tool_calls: parallel } : {}),
  };
}

type Tool = { readonly type: "function"; readonly function: JsonObject };

function toolOf(tool: JsonObject, at: string, course: Course): readonly Tool[] {
  const { type, name, description, parameters, strict } = tool;
  switch (type) {
    case "function": {
      if (tool["defer_loading"] === true) cannotTell(course, `${at}.defer_loading`, "tools that are loaded later");
      const told = { name, description, parameters: parameters ?? undefined, strict: strict ?? undefined };
      return [{ type: "function", function: told }];
    }
    case "custom":
      return [{ type: "function", function: { name, description: customWords(tool), parameters: ANY_TEXT } }];
    default:
      cannotTell(course, `${at}.type`, `built-in tool "${textOf(type)}"`);
      return [];
  }
}

const ANY_TEXT = {
  type: "object",
  properties: { input: { type: "string" } },
  required: ["input"],
  additionalProperties: false,
} as const;

/** A grammar cannot be enforced there; the model is told it. */
function customWords({ description, format }: JsonObject): string {
  const { type, syntax, definition } = objectOf(format);
  const words = textOf(description);
  return type === "grammar"
    ? `${words}\n\nThe input follows this ${textOf(syntax)} grammar:\n${textOf(definition)}`
    : words;
}

/** `kept`: the tools that alone may be called; null: all. */
function choiceOf(
  choice: unknown,
  course: Course,
): { readonly kept: ReadonlySet<string> | null; readonly told: unknown } {
  if (!isThere(choice) || typeof choice === "string") return { kept: null, told: choice ?? null };
  const { type, name, mode, tools } = objectOf(choice);
  if (type === "function" || type === "custom") return { kept: null, told: { type: "function", function: { name } } };
  if (type === "allowed_tools")
    return { kept: new Set(listOf(tools).map((tool) => textOf(objectOf(tool)["name"]))), told: mode };
  cannotTell(course, "tool_choice.type", `tool choice "${textOf(type)}"`);
  return { kept: null, told: null };
}

function reasoningOf(body: JsonObject, course: Course): JsonObject {
  const reasoning = objectOf(body["reasoning"]);
  for (const name of Object.keys(reasoning)) {
    if (name !== "effort" && isThere(reasoning[name])) course.dropped.add(`reasoning.${name}`);
  }
  const { effort } = reasoning;
  return isThere(effort) ? { reasoning_effort: effort } : {};
}

function textFormat(body: JsonObject, course: Course): JsonObject {
  const { format, verbosity, ...others } = objectOf(body["text"]);
  for (const name of Object.keys(others)) cannotTell(course, `text.${name}`, `"${name}"`);
  if (isThere(verbosity)) course.dropped.add("text.verbosity");
  if (!isObject(format) || format["type"] === "text") return {};
  if (format["type"] === "json_object") return { response_format: { type: "json_object" } };
  if (format["type"] !== "json_schema") {
    cannotTell(course, "text.format.type", `format "${textOf(format["type"])}"`);
    return {};
  }
  const { name, schema, strict, description } = format;
  return {
    response_format: schemaFormat(textOf(name) || "answer", { schema, strict: strict ?? undefined, description }),
  };
}
