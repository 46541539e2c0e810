/**
 * Answers of every protocol with one plant in a place, a form, a wire and a cut drawn by chance: any string, member
 * name or number, events and members that nobody knows, comments and names of events, other statuses and content types.
 */
import type { Rng } from "../../../src/lib/rng.ts";
import type { Speech } from "../speaker.ts";
import { chance, formOf, objectsIn, pick, plantOf, wrapped } from "./plants.ts";
import type { Plant } from "./plants.ts";

export type PlantedAnswer = {
  /** Protocol, place, form and wire, for a failure's message. */
  readonly what: string;
  /** Of the protocol, at the endpoint. */
  readonly path: string;
  readonly speech: Speech;
  readonly plant: Plant;
  /** All of them, in what a client reads, are the plant. */
  readonly pieces: readonly string[];
};

type Members = Record<string, unknown>;
type Protocol = {
  readonly path: string;
  /** Without a stream. */
  readonly whole: () => Members;
  /** As events, in order; with a name where the protocol gives them one. */
  readonly events: (texts: readonly string[]) => readonly Members[];
  readonly isNamed: boolean;
  readonly end: string;
};

const chatChunk = (delta: Members, finish_reason: string | null = null): Members => ({
  id: "c1",
  object: "chat.completion.chunk",
  created: 1,
  model: "m",
  choices: [{ index: 0, delta, finish_reason }],
});
const call = (piece: string, more: Members = {}) => ({
  tool_calls: [{ index: 0, ...more, function: { arguments: piece, ...(more["id"] ? { name: "look_up" } : {}) } }],
});

const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  chat: {
    path: "/v1/chat/completions",
    whole: () => ({
      id: "c1",
      object: "chat.completion",
      created: 1,
      model: "m",
      system_fingerprint: "fp_1",
      choices: [
        {
          index: 0,
          finish_reason: "stop",
          logprobs: { content: [{ token: "It", logprob: -1, bytes: [73, 116], top_logprobs: [] }] },
          message: {
            role: "assistant",
            content: "It rains.",
            annotations: [{ type: "url_citation", url_citation: { url: "https://a.dev", title: "Weather" } }],
            tool_calls: [
              { id: "call_1", type: "function", function: { name: "look_up", arguments: '{"city":"Oslo","n":4}' } },
            ],
          },
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
    }),
    events: (texts) => [
      chatChunk({ role: "assistant", content: "" }),
      ...texts.map((content) => chatChunk({ content })),
      chatChunk(call("", { id: "call_1", type: "function" })),
      chatChunk(call('{"city":"Oslo"}')),
      chatChunk({}, "stop"),
    ],
    isNamed: false,
    end: "data: [DONE]\n\n",
  },
  "chat with reasoning": {
    path: "/v1/chat/completions",
    whole: () => ({
      id: "c1",
      object: "chat.completion",
      created: 1,
      model: "m",
      choices: [
        {
          index: 0,
          finish_reason: "stop",
          message: {
            role: "assistant",
            reasoning_content: "Let me think.",
            reasoning_details: [{ type: "reasoning.text", text: "Hm." }],
            content: "Yes.",
          },
        },
      ],
    }),
    events: (texts) => [
      chatChunk({ role: "assistant" }),
      ...texts.map((reasoning_content) => chatChunk({ reasoning_content })),
      chatChunk({ content: "Yes." }),
      chatChunk({}, "stop"),
    ],
    isNamed: false,
    end: "data: [DONE]\n\n",
  },
  completions: {
    path: "/v1/completions",
    whole: () => ({
      id: "c1",
      object: "text_completion",
      created: 1,
      model: "m",
      choices: [{ index: 0, text: "It rains.", finish_reason: "stop", prompt_logprobs: [null] }],
    }),
    events: (texts) => [
      ...texts.map((text) => ({
        id: "c1",
        object: "text_completion",
        choices: [{ index: 0, text, finish_reason: null }],
      })),
      { id: "c1", object: "text_completion", choices: [{ index: 0, text: "", finish_reason: "stop" }] },
    ],
    isNamed: false,
    end: "data: [DONE]\n\n",
  },
  messages: {
    path: "/v1/messages",
    whole: () => ({
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "m",
      content: [
        { type: "thinking", thinking: "Hm.", signature: "s" },
        { type: "text", text: "It rains.", citations: [{ type: "char_location", cited_text: "rain" }] },
        { type: "tool_use", id: "t1", name: "look_up", input: { city: "Oslo", n: 4 } },
      ],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: { input_tokens: 3, output_tokens: 4 },
    }),
    events: (texts) => [
      {
        type: "message_start",
        message: {
          id: "msg_1",
          type: "message",
          role: "assistant",
          model: "m",
          content: [],
          stop_reason: null,
          usage: {},
        },
      },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      ...texts.map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
      { type: "content_block_stop", index: 0 },
      {
        type: "content_block_start",
        index: 1,
        content_block: { type: "tool_use", id: "t1", name: "look_up", input: {} },
      },
      { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: '{"city":"Oslo"}' } },
      { type: "content_block_stop", index: 1 },
      { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 4 } },
      { type: "message_stop" },
    ],
    isNamed: true,
    end: "",
  },
  responses: {
    path: "/v1/responses",
    whole: () => ({
      id: "resp_1",
      object: "response",
      status: "completed",
      model: "m",
      output: [
        { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Hm." }] },
        {
          type: "message",
          id: "msg_1",
          role: "assistant",
          status: "completed",
          content: [
            { type: "output_text", text: "It rains.", annotations: [{ type: "file_citation", filename: "a.txt" }] },
          ],
        },
        { type: "function_call", id: "fc_1", call_id: "c1", name: "look_up", arguments: '{"city":"Oslo"}' },
      ],
    }),
    events: (texts) => [
      { type: "response.created", response: { id: "resp_1", object: "response", status: "in_progress", output: [] } },
      {
        type: "response.output_item.added",
        output_index: 0,
        item: { type: "message", id: "msg_1", role: "assistant", status: "in_progress", content: [] },
      },
      ...texts.map((delta) => ({
        type: "response.output_text.delta",
        item_id: "msg_1",
        output_index: 0,
        content_index: 0,
        delta,
      })),
      {
        type: "response.output_text.done",
        item_id: "msg_1",
        output_index: 0,
        content_index: 0,
        text: texts.join(""),
      },
      { type: "response.completed", response: { id: "resp_1", object: "response", status: "completed", output: [] } },
    ],
    isNamed: true,
    end: "",
  },
  "a path of a server's own": {
    path: "/generate",
    whole: () => ({ generated_text: "It rains.", details: { tokens: [{ id: 1, text: "It" }] } }),
    events: (texts) => texts.map((text) => ({ token: { id: 1, text }, generated_text: null })),
    isNamed: false,
    end: "",
  },
  transcripts: {
    path: "/v1/audio/transcriptions",
    whole: () => ({
      text: "It rains.",
      segments: [{ id: 0, text: "It rains." }],
      usage: { type: "duration", seconds: 1 },
    }),
    events: (texts) => [
      ...texts.map((delta) => ({ type: "transcript.text.delta", delta })),
      { type: "transcript.text.done", text: texts.join("") },
    ],
    isNamed: true,
    end: "",
  },
  embeddings: {
    path: "/v1/embeddings",
    whole: () => ({ object: "list", model: "m", data: [{ object: "embedding", index: 0, embedding: [0.5] }] }),
    events: (texts) => texts.map((text) => ({ note: text })),
    isNamed: false,
    end: "",
  },
};

const NAMES = [
  "name",
  "refusal",
  "annotations",
  "citations",
  "reasoning",
  "reasoning_content",
  "reasoning_details",
  "thinking",
  "signature",
  "prompt_logprobs",
  "logprobs",
  "system_fingerprint",
  "id",
  "object",
  "model",
  "finish_reason",
  "stop_reason",
  "role",
  "type",
  "audio",
  "images",
  "error",
  "message",
  "usage",
  "timings",
  "metadata",
  "warning",
  "delta",
  "text",
  "output",
  "function_call",
  "nobody knows this",
  "__proto__",
] as const;

const define = (record: Members, name: string, value: unknown): void => {
  Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
};

/** Puts the piece somewhere into one JSON value, in place; says where. */
function placed(rng: Rng, body: unknown, piece: string): string {
  const records = objectsIn(body);
  const strings = records.flatMap((record) =>
    Object.entries(record).flatMap(([name, value]) => (typeof value === "string" ? [{ record, name, value }] : [])),
  );
  const draw = rng();
  if (draw < 0.45 && strings.length > 0) {
    const { record, name, value } = pick(rng, strings);
    define(record, name, chance(rng, 0.5) ? piece : `${value} ${piece} `);
    return `in "${name}"`;
  }
  if (draw < 0.85) {
    const name = pick(rng, NAMES);
    define(pick(rng, records), name, wrapped(rng, piece));
    return `as a member "${name}"`;
  }
  define(pick(rng, records), piece, pick(rng, [true, 1, "x", {}]));
  return "as a member's name";
}

/** Cuts a text into pieces of one to `most` characters. */
function cut(rng: Rng, text: string, most: number): readonly string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const end = at + 1 + Math.floor(rng() * most);
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}

/** The bytes in chunks that respect nothing. */
function chunked(rng: Rng, text: string): readonly Buffer[] {
  const bytes = Buffer.from(text);
  const most = pick(rng, [3, 40, 400, bytes.length]);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length && chunks.length < 200;) {
    const end = chunks.length === 199 ? bytes.length : at + 1 + Math.floor(rng() * most);
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}

export function plantedAnswer(rng: Rng): PlantedAnswer {
  const [protocol, shape] = pick(rng, Object.entries(PROTOCOLS));
  const plant = plantOf(rng, pick(rng, ["secrets", "pii"] as const));
  // As models write: a stream is not held back until an encoding that may come has ended.
  const form = formOf(rng, plant, 0);
  const made = chance(rng, 0.6) ? streamed(rng, shape, form.pieces) : whole(rng, shape, form.pieces);
  return {
    what: `${protocol}: ${plant.rail}, ${form.name}, ${made.where}`,
    path: shape.path,
    speech: { ...made.speech, pieces: chunked(rng, made.text) },
    plant,
    pieces: form.pieces,
  };
}

type Made = { readonly where: string; readonly text: string; readonly speech: Omit<Speech, "pieces"> };

function whole(rng: Rng, shape: Protocol, [piece = ""]: readonly string[]): Made {
  const body = shape.whole();
  const where = placed(rng, body, piece);
  const contentType = chance(rng, 0.2)
    ? pick(rng, ["text/plain", "application/x-ndjson", "text/html", "application/octet-stream", "text/event-stream"])
    : "application/json";
  const status = chance(rng, 0.2) ? pick(rng, [201, 400, 404, 422]) : 200;
  const text = JSON.stringify(body) + (contentType === "application/x-ndjson" ? "\n" : "");
  return { where: `${where}, ${status} ${contentType}`, text, speech: { status, contentType } };
}

function streamed(rng: Rng, shape: Protocol, [piece = ""]: readonly string[]): Made {
  const isText = chance(rng, 0.3);
  // A text that comes in deltas, or one event with the plant in it.
  const texts = isText ? cut(rng, `It rains ${piece} today.`, pick(rng, [1, 4, 12])) : ["It ", " rains."];
  const events = shape.events(texts).map((event) => structuredClone(event) as Members);
  const at = Math.floor(rng() * events.length);
  const how = isText ? "as text in deltas" : pick(rng, ["member", "member", "event", "comment", "id", "name", "lines"]);
  const where = how === "member" ? placed(rng, events[at], piece) : how;
  const lines = events.map((event, index) => {
    const name = shape.isNamed ? `event: ${String(event["type"])}\n` : "";
    const plain = `${name}data: ${JSON.stringify(event)}\n\n`;
    return index === at ? special(rng, how, piece) + plain : plain;
  });
  const contentType = chance(rng, 0.1)
    ? pick(rng, ["application/json", "text/plain", "application/octet-stream", "text/event-stream; charset=utf-8"])
    : "text/event-stream";
  const newline = pick(rng, ["\n", "\n", "\r\n", "\r"]);
  const text = (lines.join("") + shape.end).replaceAll("\n", newline);
  return { where: `${where}, ${contentType}`, text, speech: { status: 200, contentType } };
}

/** What a stream may have beside the events of its protocol. */
function special(rng: Rng, how: string, piece: string): string {
  const line = piece.replaceAll(/[\r\n]/g, " ");
  if (how === "comment") return `: ${line}\n`;
  if (how === "id") return `id: ${line}\n`;
  if (how === "name") return `event: ${line}\n`;
  if (how === "event") return `data: ${JSON.stringify(wrapped(rng, piece))}\n\n`;
  if (how === "lines")
    return pick(rng, [
      `data: ${line}\n\n`,
      `data: {"error":{"message":"${line.replaceAll(/["\\]/g, "")}"}}\n\n`,
      `retry: 10\nunknown: ${line}\n\n`,
      `data: {"a":\ndata: ${JSON.stringify(line)}}\n\n`,
    ]);
  return "";
}
