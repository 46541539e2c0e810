/**
 * Requests of every protocol with one plant in a place, a form and an encoding drawn by chance: any string, member name
 * or number of the body, members that are known and that nobody knows, bodies that are not JSON in UTF-8.
 */
import { gzipSync, brotliCompressSync } from "node:zlib";
import type { Rng } from "../../../src/lib/rng.ts";
import { chance, formOf, isMembers, objectsIn, pick, plantOf, wrapped } from "./plants.ts";
import type { Plant } from "./plants.ts";

export type PlantedRequest = {
  /** Protocol, place, form and coding, for a failure's message. */
  readonly what: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly plant: Plant;
  /** All of them, as strings of the JSON that was sent, are the plant. */
  readonly pieces: readonly string[];
};

type Members = Record<string, unknown>;

const tool = () => ({
  type: "function",
  function: {
    name: "look_up",
    description: "Looks up a city.",
    parameters: { type: "object", properties: { city: { type: "string", description: "Its name." } } },
  },
});

/** A harmless request of each protocol, rich enough that a plant finds a place everywhere. */
const PROTOCOLS: Readonly<Record<string, (model: string) => { readonly path: string; readonly body: Members }>> = {
  chat: (model) => ({
    path: "/v1/chat/completions",
    body: {
      model,
      messages: [
        { role: "system", content: "You are kind." },
        { role: "user", name: "ann", content: [{ type: "text", text: "What is the weather?" }] },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "call_1", type: "function", function: { name: "look_up", arguments: '{"city":"Oslo"}' } }],
        },
        { role: "tool", tool_call_id: "call_1", content: "It rains." },
        { role: "user", content: "Thank you. And tomorrow?" },
      ],
      tools: [tool()],
      temperature: 0.5,
      response_format: { type: "json_schema", json_schema: { name: "weather", schema: { type: "object" } } },
    },
  }),
  completions: (model) => ({
    path: "/v1/completions",
    body: { model, prompt: ["Once upon a time"], suffix: "The end.", max_tokens: 8 },
  }),
  embeddings: (model) => ({ path: "/v1/embeddings", body: { model, input: ["a cat", "a dog"] } }),
  pictures: (model) => ({ path: "/v1/images/generations", body: { model, prompt: "A warm path.", size: "64x64" } }),
  speech: (model) => ({
    path: "/v1/audio/speech",
    body: { model, input: "Where is it?", voice: "alloy", instructions: "Speak softly." },
  }),
  moderations: (model) => ({ path: "/v1/moderations", body: { model, input: ["a cat", { type: "text", text: "b" }] } }),
  ranks: (model) => ({ path: "/v2/rerank", body: { model, query: "a cat", documents: ["a dog", { text: "a cat" }] } }),
  scores: (model) => ({ path: "/v1/score", body: { model, text_1: "a cat", text_2: ["a dog"] } }),
  tokens: (model) => ({ path: "/tokenize", body: { model, prompt: "Where is it?" } }),
  responses: (model) => ({
    path: `/p/${model}/v1/responses`,
    body: {
      model,
      instructions: "Be brief.",
      input: [
        { type: "message", role: "user", content: [{ type: "input_text", text: "Hello there." }] },
        { type: "function_call", call_id: "c1", name: "look_up", arguments: "{}" },
        { type: "function_call_output", call_id: "c1", output: "It rains." },
      ],
      text: { format: { type: "text" } },
    },
  }),
  messages: (model) => ({
    path: `/p/${model}/v1/messages`,
    body: {
      model,
      max_tokens: 8,
      system: [{ type: "text", text: "Be brief." }],
      messages: [
        { role: "user", content: [{ type: "text", text: "Hello there." }] },
        { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "look_up", input: { city: "Oslo" } }] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: "It rains." }] },
      ],
      tools: [{ name: "look_up", description: "Looks up.", input_schema: { type: "object", properties: {} } }],
    },
  }),
  "a path of a server's own": (model) => ({
    path: `/p/${model}/generate`,
    body: { inputs: "Hello there.", parameters: { max_new_tokens: 8 }, tags: ["a", "b"] },
  }),
  "a job": (model) => ({
    path: `/v2/${model}/runsync`,
    body: { input: { prompt: "Hello there.", options: { style: "plain" } } },
  }),
};

/** Members that servers know, that they may know, and that nobody knows. */
const NAMES = [
  "role",
  "type",
  "name",
  "user",
  "stop",
  "metadata",
  "chat_template",
  "chat_template_kwargs",
  "guided_regex",
  "guided_choice",
  "guided_json",
  "documents",
  "prediction",
  "audio",
  "file",
  "image_url",
  "input_audio",
  "prompt",
  "input",
  "suffix",
  "prefix",
  "context",
  "session_id",
  "safety_identifier",
  "prompt_cache_key",
  "service_tier",
  "encoding_format",
  "previous_response_id",
  "logit_bias",
  "stop_sequences",
  "refusal",
  "reasoning_content",
  "thinking",
  "signature",
  "title",
  "cache_control",
  "text",
  "format",
  "source",
  "data",
  "extra_body",
  "__proto__",
  "constructor",
  "",
  "nobody knows this",
] as const;

/** Puts the pieces into the body, in place; says where. null: there was no such place. */
type Place = (rng: Rng, body: Members, pieces: readonly string[], kept: ReadonlySet<string>) => string | null;

const define = (record: Members, name: string, value: unknown): void => {
  // An assignment to `__proto__` makes no member.
  Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
};

/** What the router itself goes by is left as it is. */
const ROUTER_READS = new Set(["model"]);

const PLACES: readonly Place[] = [
  // A string that is there, replaced or longer.
  (rng, body, [piece = ""], kept) => {
    const places = objectsIn(body).flatMap((record) =>
      Object.entries(record).flatMap(([name, value]) =>
        typeof value === "string" && !(record === body && kept.has(name)) ? [{ record, name, value }] : [],
      ),
    );
    if (places.length === 0) return null;
    const { record, name, value } = pick(rng, places);
    define(record, name, chance(rng, 0.5) ? piece : `${value}\n${piece}\n`);
    return `in "${name}"`;
  },
  // A member more, of any shape.
  (rng, body, [piece = ""], kept) => {
    const record = pick(rng, objectsIn(body));
    const name = pick(rng, NAMES);
    if (record === body && kept.has(name)) return null;
    define(record, name, wrapped(rng, piece));
    return `as a further member "${name}"`;
  },
  // A member's name.
  (rng, body, [piece = ""]) => {
    define(pick(rng, objectsIn(body)), piece, pick(rng, [true, 1, "x", {}]));
    return "as a member's name";
  },
  // An item more of a list.
  (rng, body, [piece = ""]) => {
    const lists = objectsIn(body).flatMap((record) => Object.values(record).filter((value) => Array.isArray(value)));
    if (lists.length === 0) return null;
    pick(rng, lists).push(wrapped(rng, piece));
    return "as an item more";
  },
];

/** The body as bytes: mostly JSON in UTF-8, in one of its spellings; else what servers read and parsers refuse. */
const CODINGS: Readonly<
  Record<string, (text: string, rng: Rng) => { body: Buffer; headers?: Record<string, string> }>
> = {
  "UTF-16": (text) => ({ body: Buffer.from(text, "utf16le") }),
  "a byte order mark": (text) => ({ body: Buffer.from(`\ufeff${text}`) }),
  "a NUL behind": (text) => ({ body: Buffer.from(`${text}\0`) }),
  "a NaN": (text) => ({ body: Buffer.from(text.replace("{", '{"top_p":NaN,')) }),
  gzip: (text) => ({ body: gzipSync(text), headers: { "content-encoding": "gzip" } }),
  brotli: (text) => ({ body: brotliCompressSync(text), headers: { "content-encoding": "br" } }),
  "gzip that nobody announces": (text) => ({ body: gzipSync(text) }),
  "lines of JSON": (text) => ({ body: Buffer.from(`${text}\n${text}\n`) }),
  "a form": (text) => ({
    body: Buffer.from(new URLSearchParams({ body: text }).toString()),
    headers: { "content-type": "application/x-www-form-urlencoded" },
  }),
  multipart: (text) => ({
    body: Buffer.from(`--B\r\ncontent-disposition: form-data; name="prompt"\r\n\r\n${text}\r\n--B--\r\n`),
    headers: { "content-type": "multipart/form-data; boundary=B" },
  }),
  "another charset": (text) => ({
    body: Buffer.from(text),
    headers: { "content-type": "application/json; charset=utf-7" },
  }),
  "text/plain": (text) => ({ body: Buffer.from(text), headers: { "content-type": "text/plain" } }),
};

/** JSON with characters written as escapes that need none. */
const escaped = (json: string, rng: Rng): string =>
  json.replaceAll(/"(?:\\.|[^"\\])*"/g, (literal) =>
    literal.replaceAll(/\\u....|\\.|[A-Za-z0-9@.]/g, (char) =>
      char.length === 1 && chance(rng, 0.3) ? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}` : char,
    ),
  );

/** The same request with the plant in a first member that a later one of the same name hides. */
function repeated(rng: Rng, clean: string, body: Members, piece: string): string | null {
  const names = Object.keys(body).filter((name) => name !== "model" && typeof body[name] !== "number");
  if (names.length === 0) return null;
  const name = pick(rng, names);
  const value = body[name];
  const first = JSON.stringify(
    Array.isArray(value) && isMembers(value[0]) ? [{ role: "user", content: piece }] : piece,
  );
  return clean.replace("{", `{${JSON.stringify(name)}:${first},`);
}

/** `models`: the pools, of which one is drawn. */
export function plantedRequest(rng: Rng, models: readonly string[]): PlantedRequest {
  for (;;) {
    const made = tried(rng, pick(rng, models));
    if (made !== null) return made;
  }
}

/** The same without a plant. */
export function harmlessRequest(rng: Rng, model: string) {
  const [protocol, make] = pick(rng, Object.entries(PROTOCOLS));
  const { path, body } = make(model);
  return { what: protocol, path, body: Buffer.from(JSON.stringify(body)) };
}

function tried(rng: Rng, model: string): PlantedRequest | null {
  const [protocol, make] = pick(rng, Object.entries(PROTOCOLS));
  const { path, body } = make(model);
  const plant = plantOf(rng, pick(rng, ["secrets", "pii", "injection"] as const));
  const form = formOf(rng, plant, 0.5);
  const clean = JSON.stringify(body);
  const isRepeated = chance(rng, 0.05);
  const kept = path.startsWith("/v1/") ? ROUTER_READS : new Set<string>();
  const where = isRepeated ? "in a member that comes twice" : pick(rng, PLACES)(rng, body, form.pieces, kept);
  const text = isRepeated ? repeated(rng, clean, body, form.pieces[0] ?? "") : JSON.stringify(body);
  if (where === null || text === null) return null;
  const spelling = chance(rng, 0.15) ? escaped(text, rng) : text;
  const coding = chance(rng, 0.15) ? pick(rng, Object.keys(CODINGS)) : "JSON";
  const coded = CODINGS[coding]?.(spelling, rng) ?? { body: Buffer.from(spelling) };
  return {
    what: `${protocol}, "${model}": ${plant.rail}, ${form.name}, ${where}, ${coding}`,
    path,
    headers: { "content-type": "application/json", ...coded.headers },
    body: coded.body,
    plant,
    pieces: form.pieces,
  };
}
