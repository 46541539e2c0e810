/**
 * Decides what the input of a request for OpenAI's Responses is in the messages of chat completions.
 *
 * Model. Items in a row that one turn of the assistant wrote (its reasoning, its text, its calls) are one message there.
 * Pictures in what a tool has found follow in a user's message, behind all that the tools have said. What stands for
 * something that is kept elsewhere (a reference, a file's id), and what only OpenAI's own tools write, is refused.
 * Source: OpenAI's references of Responses and of chat completions.
 */
import { contentOf, splitParts, systemFirst, textPart, toolCall } from "./chat-request.ts";
import type { ChatMessage, Part } from "./chat-request.ts";
import { isObject } from "../../lib/json-object.ts";
import { isThere, listOf, objectOf, textOf } from "./json.ts";
import type { JsonObject } from "../../lib/json-object.ts";
import { cannotTell, listAt } from "./members.ts";
import type { Course } from "./members.ts";

type Call = ReturnType<typeof toolCall>;

/** The conversation so far. Written in place. */
type Told = {
  readonly messages: ChatMessage[];
  /** The assistant's turn that is under way. */
  turn: { thoughts: string[]; parts: Part[]; calls: Call[] } | null;
  /** Pictures that tools have found. */
  media: Part[];
};

const ROLES: Readonly<Record<string, "system" | "user" | "assistant">> = {
  user: "user",
  assistant: "assistant",
  system: "system",
  // Templates know the older name.
  developer: "system",
};

export function inputMessages(body: JsonObject, course: Course): readonly ChatMessage[] {
  const told: Told = { messages: [], turn: null, media: [] };
  const { instructions, input } = body;
  if (typeof instructions === "string") told.messages.push({ role: "system", content: instructions });
  else if (isThere(instructions)) cannotTell(course, "instructions", "instructions that are no text");
  if (typeof input === "string") told.messages.push({ role: "user", content: input });
  else
    for (const [index, item] of listAt(input, "input", course).entries())
      tellItem(told, objectOf(item), `input[${index}]`, course);
  endTurn(told);
  tellMedia(told);
  return systemFirst(told.messages);
}

function tellItem(told: Told, item: JsonObject, at: string, course: Course): void {
  const { type = "message" } = item;
  switch (type) {
    case "message":
      return tellMessage(told, item, at, course);
    case "reasoning":
      return tellReasoning(told, item, course);
    case "function_call":
      turnOf(told).calls.push(toolCall(textOf(item["call_id"]), textOf(item["name"]), textOf(item["arguments"])));
      return;
    case "custom_tool_call": {
      const args = JSON.stringify({ input: textOf(item["input"]) });
      turnOf(told).calls.push(toolCall(textOf(item["call_id"]), textOf(item["name"]), args));
      return;
    }
    case "function_call_output":
    case "custom_tool_call_output":
      return tellOutput(told, item, at, course);
    default:
      cannotTell(course, `${at}.type`, `item of type "${textOf(type)}"`);
  }
}

function turnOf(told: Told) {
  tellMedia(told);
  return (told.turn ??= { thoughts: [], parts: [], calls: [] });
}

function tellMessage(told: Told, item: JsonObject, at: string, course: Course): void {
  const asked = textOf(item["role"]);
  const role = Object.hasOwn(ROLES, asked) ? ROLES[asked] : undefined;
  if (role === undefined) return cannotTell(course, `${at}.role`, `role "${asked}"`);
  const content = contentParts(item["content"], `${at}.content`, course);
  if (role === "assistant") {
    // Its words behind its calls are another message of it.
    if ((told.turn?.calls.length ?? 0) > 0) endTurn(told);
    turnOf(told).parts.push(...content);
    return;
  }
  endTurn(told);
  const media = role === "user" ? told.media.splice(0) : [];
  tellMedia(told);
  told.messages.push({ role, content: contentOf([...media, ...content]) });
}

function tellReasoning(told: Told, item: JsonObject, course: Course): void {
  if (isThere(item["encrypted_content"])) course.dropped.add("encrypted_content");
  const texts = [...listOf(item["content"]), ...(listOf(item["content"]).length > 0 ? [] : listOf(item["summary"]))];
  const thought = texts.map((part) => textOf(objectOf(part)["text"])).join("\n");
  if ((told.turn?.calls.length ?? 0) > 0) endTurn(told);
  if (thought !== "") turnOf(told).thoughts.push(thought);
}

function tellOutput(told: Told, item: JsonObject, at: string, course: Course): void {
  endTurn(told);
  const { call_id: id, output } = item;
  const parts = contentParts(output, `${at}.output`, course);
  const { texts, media } = splitParts(parts);
  told.messages.push({ role: "tool", tool_call_id: textOf(id), content: contentOf(texts) });
  told.media.push(...media);
}

function tellMedia(told: Told): void {
  if (told.media.length > 0) told.messages.push({ role: "user", content: told.media.splice(0) });
}

function endTurn(told: Told): void {
  const { turn } = told;
  if (turn === null) return;
  told.turn = null;
  const { thoughts, parts, calls } = turn;
  told.messages.push({
    role: "assistant",
    content: parts.length === 0 && calls.length > 0 ? null : contentOf(parts),
    ...(thoughts.length === 0 ? {} : { reasoning_content: thoughts.join("\n") }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  });
}

function contentParts(content: unknown, at: string, course: Course): readonly Part[] {
  if (typeof content === "string") return content === "" ? [] : [textPart(content)];
  return listAt(content, at, course).flatMap((part, index) => contentPart(objectOf(part), `${at}[${index}]`, course));
}

function contentPart(part: JsonObject, at: string, course: Course): readonly Part[] {
  switch (part["type"]) {
    case "input_text":
    case "output_text":
    case "text":
    case "summary_text":
      return [textPart(textOf(part["text"]))];
    case "refusal":
      return [textPart(textOf(part["refusal"]))];
    case "input_image": {
      const { image_url: url, detail } = part;
      if (typeof url !== "string") {
        cannotTell(course, `${at}.file_id`, "file that is named by an id");
        return [];
      }
      return [{ type: "image_url", image_url: { url, ...(isThere(detail) ? { detail } : {}) } }];
    }
    case "input_audio":
      if (isObject(part["input_audio"])) return [{ type: "input_audio", input_audio: part["input_audio"] }];
      cannotTell(course, `${at}.input_audio`, "such audio");
      return [];
    case "input_file": {
      const { file_data, filename } = part;
      if (typeof file_data === "string") return [{ type: "file", file: { filename, file_data } }];
      cannotTell(course, at, "file that is named by an id or a URL");
      return [];
    }
    default:
      cannotTell(course, `${at}.type`, `content of type "${textOf(part["type"])}"`);
      return [];
  }
}
