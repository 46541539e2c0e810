/**
 * Decides what the messages of Anthropic's Messages are in chat completions.
 *
 * Model. Results of tools stand first in a user's message and become messages of their own; pictures in a result follow in the
 * user's message, because a tool's message has text alone. What failed says so in its text. Thinking goes back as
 * `reasoning_content`, which templates of reasoning models read; a signature is worth something to its maker alone.
 * Source: Anthropic's reference of the Messages API; the chat templates of open models.
 */
import { contentOf, splitParts, systemFirst, textPart, toolCall } from "./chat-request.ts";
import type { ChatMessage, Part } from "./chat-request.ts";
import { isObject, wordOf } from "../../lib/json-object.ts";
import { isThere, listOf, objectOf, textOf } from "./json.ts";
import type { JsonObject } from "../../lib/json-object.ts";
import { cannotTell, listAt } from "./members.ts";
import type { Course } from "./members.ts";

/** Members of any block that say nothing to the model. */
const MARKS = ["cache_control"] as const;

export function messagesOf(body: JsonObject, course: Course): readonly ChatMessage[] {
  const told: ChatMessage[] = [];
  if (isThere(body["system"])) {
    const system = withoutAttribution(body["system"], course);
    told.push({ role: "system", content: partsOf(system, "system", course, "text") });
  }
  for (const [index, message] of listAt(body["messages"], "messages", course).entries()) {
    const at = `messages[${index}]`;
    const { role, content } = objectOf(message);
    if (role === "user") told.push(...userMessages(content, at, course));
    else if (role === "assistant") told.push(assistantMessage(content, at, course));
    // In the midst of a conversation, as agents remind a model.
    else if (role === "system") told.push({ role, content: partsOf(content, `${at}.content`, course, "text") });
    else cannotTell(course, `${at}.role`, `role "${wordOf(role)}"`);
  }
  return systemFirst(told);
}

/**
 * Claude Code begins its system's words with whom a request is to be billed to, other in each request: an engine would
 * find nothing of the prompt in its cache.
 */
const ATTRIBUTION = /^x-anthropic-billing-header:/;

function withoutAttribution(system: unknown, course: Course): unknown {
  if (!Array.isArray(system) || !ATTRIBUTION.test(textOf(objectOf(system[0])["text"]))) return system;
  course.dropped.add("x-anthropic-billing-header");
  return system.slice(1);
}

/** A text, or blocks of the kinds that may stand there. */
function partsOf(content: unknown, at: string, course: Course, kinds: "text" | "user"): string | readonly Part[] {
  if (typeof content === "string") return content;
  const parts = listAt(content, at, course).flatMap((block, index) => {
    const where = `${at}[${index}]`;
    const known = objectOf(block);
    noteMarks(known, course);
    if (known["type"] === "text" || kinds === "user") return userParts(known, where, course);
    cannotTell(course, `${where}.type`, kindOf(known));
    return [];
  });
  return contentOf(parts);
}

const kindOf = (block: JsonObject): string => `block of type "${textOf(block["type"])}" here`;

function noteMarks(block: JsonObject, course: Course): void {
  for (const mark of MARKS) if (isThere(block[mark])) course.dropped.add(mark);
}

function userMessages(content: unknown, at: string, course: Course): readonly ChatMessage[] {
  if (typeof content === "string") return [{ role: "user", content }];
  const results: ChatMessage[] = [];
  const parts: Part[] = [];
  for (const [index, item] of listAt(content, `${at}.content`, course).entries()) {
    const where = `${at}.content[${index}]`;
    const block = objectOf(item);
    noteMarks(block, course);
    if (block["type"] === "tool_result") {
      const { message, media } = toolResult(block, where, course);
      results.push(message);
      parts.push(...media);
    } else {
      parts.push(...userParts(block, where, course));
    }
  }
  if (parts.length === 0 && results.length > 0) return results;
  return [...results, { role: "user", content: contentOf(parts) }];
}

function userParts(block: JsonObject, at: string, course: Course): readonly Part[] {
  switch (block["type"]) {
    case "text":
      // What a text was quoted from is said in it.
      if (listOf(block["citations"]).length > 0) course.dropped.add("citations");
      return [textPart(textOf(block["text"]))];
    case "image":
      return imageParts(objectOf(block["source"]), at, course);
    case "document":
      return documentParts(block, at, course);
    default:
      cannotTell(course, `${at}.type`, kindOf(block));
      return [];
  }
}

const dataUrl = ({ media_type, data }: JsonObject): string => `data:${textOf(media_type)};base64,${textOf(data)}`;

function imageParts(source: JsonObject, at: string, course: Course): readonly Part[] {
  switch (source["type"]) {
    case "base64":
      return [{ type: "image_url", image_url: { url: dataUrl(source) } }];
    case "url":
      return [{ type: "image_url", image_url: { url: textOf(source["url"]) } }];
    default:
      cannotTell(course, `${at}.source.type`, `image from "${textOf(source["type"])}"`);
      return [];
  }
}

function documentParts(block: JsonObject, at: string, course: Course): readonly Part[] {
  const source = objectOf(block["source"]);
  if (objectOf(block["citations"])["enabled"] === true) cannotTell(course, `${at}.citations`, "citations");
  const heading = [block["title"], block["context"]].filter((text) => typeof text === "string" && text !== "");
  const head = heading.map((text) => textPart(textOf(text)));
  switch (source["type"]) {
    case "text":
      return [...head, textPart(textOf(source["data"]))];
    case "content": {
      const parts = partsOf(source["content"], `${at}.source.content`, course, "user");
      return [...head, ...(typeof parts === "string" ? [textPart(parts)] : parts)];
    }
    case "base64": {
      const filename = typeof block["title"] === "string" ? block["title"] : "document";
      return [...head, { type: "file", file: { filename, file_data: dataUrl(source) } }];
    }
    default:
      cannotTell(course, `${at}.source.type`, `document from "${textOf(source["type"])}"`);
      return [];
  }
}

/** Said of a result whose text does not say it by itself. */
const FAILED = "Error: ";

function toolResult(
  block: JsonObject,
  at: string,
  course: Course,
): { readonly message: ChatMessage; readonly media: readonly Part[] } {
  const content = block["content"];
  const told = isThere(content) ? partsOf(content, `${at}.content`, course, "user") : "";
  const { texts, media } = typeof told === "string" ? { texts: told, media: [] } : splitParts(told);
  const said = typeof texts === "string" ? texts : contentOf(texts);
  return {
    message: {
      role: "tool",
      tool_call_id: textOf(block["tool_use_id"]),
      content: block["is_error"] === true ? failed(said) : said,
    },
    media,
  };
}

function failed(said: string | readonly Part[]): string | readonly Part[] {
  if (typeof said === "string") return /^error\b/i.test(said) ? said : FAILED + said;
  return [textPart(FAILED.trim()), ...said];
}

function assistantMessage(content: unknown, at: string, course: Course): ChatMessage {
  if (typeof content === "string") return { role: "assistant", content };
  const parts: Part[] = [];
  const calls: ReturnType<typeof toolCall>[] = [];
  const thoughts: string[] = [];
  for (const [index, item] of listAt(content, `${at}.content`, course).entries()) {
    const block = objectOf(item);
    noteMarks(block, course);
    switch (block["type"]) {
      case "text":
        parts.push(...userParts(block, at, course));
        break;
      case "thinking":
        thoughts.push(textOf(block["thinking"]));
        if (textOf(block["signature"]) !== "") course.dropped.add("signature");
        break;
      case "redacted_thinking":
        course.dropped.add("redacted_thinking");
        break;
      case "tool_use": {
        const { id, name, input } = block;
        calls.push(toolCall(textOf(id), textOf(name), JSON.stringify(isObject(input) ? input : {})));
        break;
      }
      default:
        cannotTell(course, `${at}.content[${index}].type`, kindOf(block));
    }
  }
  const thought = thoughts.join("\n");
  return {
    role: "assistant",
    content: parts.length === 0 && calls.length > 0 ? null : contentOf(parts),
    ...(thought === "" ? {} : { reasoning_content: thought }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}
