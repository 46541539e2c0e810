/**
 * Streams of the Messages API: named events, one content block after the other.
 *
 * Model. Each block is a channel; `content_block_stop` ends it. A blocked stream closes the open block and ends with
 * the stop reason "refusal", which is what Anthropic's own classifiers send, and with `message_stop`.
 * Source: docs/reference/sources.md, What SDKs do with a stream (named events only; an unnamed one is dropped in silence).
 */
import { asRecord } from "./stream-events.ts";
import type { Json } from "./stream-events.ts";
import { NOTHING_READ } from "./stream-format.ts";
import type { Reading, StreamFormat, TextSite } from "./stream-format.ts";
import { pieceSites } from "./stream-pieces.ts";

/** The text member of each kind of delta. */
const MEMBERS: ReadonlyMap<unknown, string> = new Map([
  ["text_delta", "text"],
  ["thinking_delta", "thinking"],
  ["input_json_delta", "partial_json"],
]);

export function anthropicFormat(): StreamFormat {
  const open = new Set<number>();
  let outputTokens = 0;
  const noteUsage = (usage: Json | null): void => {
    if (typeof usage?.["output_tokens"] === "number") outputTokens = usage["output_tokens"];
  };
  return {
    read: readEvent,
    note: (event, isShown) => {
      if (event["type"] === "content_block_start" && isShown) open.add(indexOf(event));
      if (event["type"] === "content_block_stop" && isShown) open.delete(indexOf(event));
      if (event["type"] === "message_start") noteUsage(asRecord(asRecord(event["message"])?.["usage"]));
      if (event["type"] === "message_delta") noteUsage(asRecord(event["usage"]));
    },
    closing: () => {
      const delta = { stop_reason: "refusal", stop_sequence: null };
      const events: Json[] = [
        ...[...open].map((index) => ({ type: "content_block_stop", index })),
        { type: "message_delta", delta, usage: { output_tokens: outputTokens } },
        { type: "message_stop" },
      ];
      return events.map((data) => ({ event: String(data["type"]), data }));
    },
    hasDoneMarker: false,
  };
}

function readEvent(event: Json): Reading {
  switch (event["type"]) {
    case "content_block_start":
      return { ...NOTHING_READ, sites: startSites(event) };
    case "content_block_delta":
      return { ...NOTHING_READ, sites: deltaSites(event, asRecord(event["delta"])) };
    case "content_block_stop":
      return { ...NOTHING_READ, ends: [String(indexOf(event))] };
    case "message_delta":
    case "message_stop":
    case "error":
      return { ...NOTHING_READ, ends: "all" };
    default:
      return NOTHING_READ;
  }
}

function indexOf(event: Json): number {
  return typeof event["index"] === "number" ? event["index"] : 0;
}

/** A block may begin with some text. */
function startSites(event: Json): TextSite[] {
  const block = asRecord(event["content_block"]);
  return ["text", "thinking"].flatMap((member) => sitesFor(event, block, member, `${member}_delta`));
}

/** A kind of delta that nobody here knows has its text in some member. */
function deltaSites(event: Json, delta: Json | null): TextSite[] {
  const member = MEMBERS.get(delta?.["type"]);
  const known = member === undefined ? [] : sitesFor(event, delta, member, String(delta?.["type"]));
  const name = "content_block_delta";
  const group = String(indexOf(event));
  return [...known, ...pieceSites({ event, name, root: delta, path: ["delta"], group, isDelta: true, known })];
}

function sitesFor(event: Json, holder: Json | null, member: string, type: string): TextSite[] {
  if (holder === null || typeof holder[member] !== "string") return [];
  const index = indexOf(event);
  const name = "content_block_delta";
  return [
    {
      channel: `${index}.${member}`,
      group: String(index),
      kind: "block",
      isArguments: member === "partial_json",
      holder,
      member,
      repeats: [],
      carry: (text) => ({ event: name, data: { type: name, index, delta: { type, [member]: text } } }),
    },
  ];
}
