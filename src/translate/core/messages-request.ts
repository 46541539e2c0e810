/**
 * Decides how a request for Anthropic's Messages is told to an endpoint that speaks chat completions.
 *
 * Model. The table says what becomes of each member; below it stands what has code of its own. A conversation that ends with
 * the assistant's words is to be continued there, which engines are told by two members of theirs. How much thinking is
 * wished for in tokens becomes one of three efforts.
 * Source: Anthropic's reference of the Messages API; what vLLM, SGLang and llama.cpp take beside OpenAI's members.
 */
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { schemaFormat, STREAM_OPTIONS } from "./chat-request.ts";
import type { ChatMessage } from "./chat-request.ts";
import { isThere, objectOf, textOf } from "./json.ts";
import type { JsonObject } from "../../lib/json-object.ts";
import { as, createCourse, DROPPED, only, OURS, READ, cannotTell, listAt, tellMembers } from "./members.ts";
import type { Course, Members, Untold } from "./members.ts";
import { messagesOf } from "./messages-content.ts";

const MEMBERS: Members = {
  model: as("model"),
  // The older name, which every engine knows.
  max_tokens: as("max_tokens"),
  temperature: as("temperature"),
  top_p: as("top_p"),
  stop_sequences: as("stop"),
  stream: as("stream"),
  messages: READ,
  system: READ,
  tools: READ,
  tool_choice: READ,
  thinking: READ,
  output_config: READ,
  output_format: READ,
  metadata: READ,
  // How a prompt is kept or trimmed at its maker's; the engine has all of it and keeps what it keeps.
  cache_control: DROPPED,
  context_management: DROPPED,
  diagnostics: DROPPED,
  service_tier: DROPPED,
  inference_geo: DROPPED,
  speed: only(["standard"], "speed to choose"),
  // Beta names of Bedrock's and Vertex' clients, and of SDKs that send them in the body.
  anthropic_version: OURS,
  anthropic_beta: OURS,
  betas: OURS,
  container: only([], "container"),
  mcp_servers: only([], "MCP servers"),
};

const TOOL_MEMBERS: Members = {
  type: READ,
  name: READ,
  description: READ,
  input_schema: READ,
  strict: READ,
  cache_control: DROPPED,
  // When, and by whom, a tool may be called is its owner's business; streaming of its input is ours.
  eager_input_streaming: DROPPED,
  defer_loading: only([false], "tools that are loaded later"),
  allowed_callers: DROPPED,
  input_examples: DROPPED,
};

export type ChatRequest = {
  readonly body: JsonObject;
  /** What was left out, for the client to read. */
  readonly dropped: readonly string[];
};

export function messagesToChat(body: JsonObject): Result<ChatRequest, Untold> {
  const course = createCourse();
  const members = tellMembers(body, MEMBERS, course);
  const messages = messagesOf(body, course);
  const told = {
    ...members,
    messages,
    ...toolsOf(body, course),
    ...effortOf(body, course),
    ...formatOf(body, course),
    ...userOf(body, course),
    ...goingOn(messages),
    ...(body["stream"] === true ? { stream_options: STREAM_OPTIONS } : {}),
  };
  return course.untold === null ? ok({ body: told, dropped: [...course.dropped] }) : err(course.untold);
}

function toolsOf(body: JsonObject, course: Course): JsonObject {
  const tools = listAt(body["tools"], "tools", course).flatMap((item, index) => {
    const tool = objectOf(item);
    const { type, name, description, input_schema: parameters, strict } = tool;
    if (isThere(type) && type !== "custom") {
      cannotTell(course, `tools[${index}].type`, `built-in tool "${textOf(type)}"`);
      return [];
    }
    tellMembers(tool, TOOL_MEMBERS, course, `tools[${index}].`);
    const told = { name, description, parameters, strict };
    return [{ type: "function", function: told }];
  });
  // One mark on one of many tools is one thing that was left out.
  for (const name of course.dropped) {
    if (!name.startsWith("tools[")) continue;
    course.dropped.delete(name);
    course.dropped.add(name.replace(/^tools\[\d+\]\./, ""));
  }
  return tools.length === 0 ? {} : { tools, ...choiceOf(body["tool_choice"], course) };
}

const CHOICES: Readonly<Record<string, string>> = { auto: "auto", any: "required", none: "none" };

function choiceOf(choice: unknown, course: Course): JsonObject {
  if (!isThere(choice)) return {};
  const { type, name, disable_parallel_tool_use: single } = objectOf(choice);
  const alone = typeof single === "boolean" ? { parallel_tool_calls: !single } : {};
  if (type === "tool") return { tool_choice: { type: "function", function: { name } }, ...alone };
  const told = typeof type === "string" && Object.hasOwn(CHOICES, type) ? CHOICES[type] : undefined;
  if (told === undefined) cannotTell(course, "tool_choice.type", `tool choice "${textOf(type)}"`);
  return { tool_choice: told, ...alone };
}

/** Tokens of thinking from which on an effort is meant: the least that may be asked for is 1,024. */
const EFFORTS: readonly (readonly [number, string])[] = [
  [16_384, "high"],
  [4_096, "medium"],
  [0, "low"],
];

/** `max` and what else is above high is as much as there is. */
const EFFORT_NAMES: Readonly<Record<string, string>> = {
  low: "low",
  medium: "medium",
  high: "high",
  xhigh: "high",
  max: "high",
};

function effortOf(body: JsonObject, course: Course): JsonObject {
  const { effort } = objectOf(body["output_config"]);
  const { type, budget_tokens: budget } = objectOf(body["thinking"]);
  if (isThere(body["thinking"]) && type !== "enabled" && type !== "disabled" && type !== "adaptive") {
    cannotTell(course, "thinking.type", `thinking of type "${textOf(type)}"`);
  }
  if (type === "disabled")
    return { chat_template_kwargs: { ...objectOf(body["chat_template_kwargs"]), enable_thinking: false } };
  if (typeof effort === "string") {
    const told = Object.hasOwn(EFFORT_NAMES, effort) ? EFFORT_NAMES[effort] : undefined;
    if (told === undefined) cannotTell(course, "output_config.effort", `effort "${effort}"`);
    return { reasoning_effort: told };
  }
  // Enabled without a budget, or adaptive: the model's own measure.
  if (type !== "enabled" || typeof budget !== "number") return {};
  return { reasoning_effort: EFFORTS.find(([least]) => budget >= least)?.[1] };
}

function formatOf(body: JsonObject, course: Course): JsonObject {
  const config = objectOf(body["output_config"]);
  for (const name of Object.keys(config)) {
    if (name !== "effort" && name !== "format" && isThere(config[name])) {
      cannotTell(course, `output_config.${name}`, `"${name}"`);
    }
  }
  const format = config["format"] ?? body["output_format"];
  if (!isThere(format)) return {};
  const { type, schema } = objectOf(format);
  if (type !== "json_schema") cannotTell(course, "output_config.format.type", `format "${textOf(type)}"`);
  return { response_format: schemaFormat("answer", { schema, strict: true }) };
}

function userOf(body: JsonObject, course: Course): JsonObject {
  const metadata = objectOf(body["metadata"]);
  const { user_id: user, ...others } = metadata;
  for (const name of Object.keys(others)) course.dropped.add(`metadata.${name}`);
  return typeof user === "string" ? { user } : {};
}

/** The assistant has begun to speak. */
function goingOn(messages: readonly ChatMessage[]): JsonObject {
  const last = messages.at(-1);
  return last?.role === "assistant" && last.tool_calls === undefined
    ? { continue_final_message: true, add_generation_prompt: false }
    : {};
}
