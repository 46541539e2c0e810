/**
 * Streams of the Responses API: named events with numbers, and every text once more when it is done.
 *
 * Model. Pieces come as `….delta`. Then `….done`, the part, the item and the response each repeat the whole text. Such
 * a copy is filtered from its beginning, so it comes out as its pieces did. A blocked stream ends with
 * `response.incomplete` and the reason "content_filter".
 * Source: the event list of OpenAI's OpenAPI description, as named in docs/reference/sources.md, What SDKs do with a stream.
 */
import { itemSites, partSites, responseSites } from "./answer-sites.ts";
import type { AnswerSite } from "./answer-sites.ts";
import { asRecord } from "./stream-events.ts";
import type { Json } from "./stream-events.ts";
import type { Reading, StreamFormat, TextSite } from "./stream-format.ts";
import { pieceSites } from "./stream-pieces.ts";
import { wordOf } from "../../../lib/json-object.ts";

/** Families of events, and the member of `….done` that repeats the text. */
const FAMILIES: ReadonlyMap<string, string> = new Map([
  ["response.output_text", "text"],
  ["response.refusal", "refusal"],
  ["response.reasoning_text", "text"],
  ["response.reasoning_summary_text", "text"],
  ["response.function_call_arguments", "arguments"],
  ["response.mcp_call_arguments", "arguments"],
  ["response.custom_tool_call_input", "input"],
  ["response.code_interpreter_call_code", "code"],
]);

const LAST_EVENTS: ReadonlySet<unknown> = new Set([
  "response.completed",
  "response.incomplete",
  "response.failed",
  "response.cancelled",
  "error",
]);

export function responsesFormat(): StreamFormat {
  let response: Json = {};
  let number: number | null = null;
  return {
    read: readEvent,
    note: (event, isShown) => {
      const known = asRecord(event["response"]);
      // The texts of an event that is not shown hold what was not to be seen.
      if (known !== null) response = isShown ? known : { ...known, ...textsOf(response) };
      if (typeof event["sequence_number"] === "number") number = event["sequence_number"];
    },
    closing: () => {
      const type = "response.incomplete";
      const details = { status: "incomplete", incomplete_details: { reason: "content_filter" } };
      const numbered = number === null ? {} : { sequence_number: number + 1 };
      return [{ event: type, data: { type, ...numbered, response: { ...response, ...details } } }];
    },
    hasDoneMarker: false,
  };
}

/** As far as they were shown. */
function textsOf({ output, output_text: text }: Json): Json {
  // A member that is undefined is not written.
  return { output: output ?? [], output_text: text };
}

function readEvent(event: Json): Reading {
  const type = wordOf(event["type"]);
  const ends = LAST_EVENTS.has(event["type"]) ? "all" : [];
  const copies = copiesIn(event);
  if (type.endsWith(".delta")) return { sites: deltaSites(event, type.slice(0, -".delta".length)), ends, copies };
  const family = type.endsWith(".done") ? type.slice(0, -".done".length) : "";
  const member = FAMILIES.get(family);
  if (member === undefined) return { sites: [], ends: family === "" ? ends : [groupOf(event, family)], copies };
  const isThere = typeof event[member] === "string";
  const form = member === "arguments" ? ("arguments" as const) : ("text" as const);
  const own: AnswerSite[] = isThere ? [{ holder: event, member, form, repeats: [event] }] : [];
  return { sites: [], ends: [groupOf(event, family)], copies: [...own, ...copies] };
}

/** Whole parts, items and responses. */
function copiesIn(event: Json): AnswerSite[] {
  const [part, item, response] = [asRecord(event["part"]), asRecord(event["item"]), asRecord(event["response"])];
  return [
    ...(part === null ? [] : partSites(part)),
    ...(item === null ? [] : itemSites(item)),
    ...(response === null ? [] : responseSites(response)),
  ];
}

function groupOf(event: Json, family: string): string {
  const places = ["output_index", "content_index", "summary_index"].map((name) => wordOf(event[name] ?? ""));
  return `${family} ${places.join(".")}`;
}

function deltaSites(event: Json, family: string): TextSite[] {
  const member = FAMILIES.get(family);
  const group = groupOf(event, family);
  const type = wordOf(event["type"]);
  if (typeof event["delta"] !== "string")
    return pieceSites({ event, name: type, root: event["delta"], path: ["delta"], group, isDelta: true, known: [] });
  const rest = Object.fromEntries(
    Object.entries(event).filter(([name]) => name !== "obfuscation" && name !== "logprobs"),
  );
  const logprobs = Array.isArray(event["logprobs"]) ? { logprobs: [] } : {};
  return [
    {
      channel: group,
      group,
      kind: family,
      isArguments: member === "arguments",
      holder: event,
      member: "delta",
      repeats: [event],
      carry: (text) => ({ event: type, data: { ...rest, ...logprobs, delta: text } }),
    },
  ];
}
