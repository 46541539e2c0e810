/**
 * What a simulated endpoint serves beside texts: pictures, sound, transcripts, moderations, ranks, scores, tokens.
 *
 * Shapes as OpenAI's API has them, and vLLM's where it has none; forms are read by Node's own parser. A picture is one step
 * of the engine, a sound and a transcript one a token, so that they stream as answers do. A transcript ends with its
 * `prompt`: models are led by it, and a test can have any word in it.
 */
import * as z from "zod";
import { assertNever } from "../../src/lib/invariant.ts";
import type { Exchange } from "./exchange.ts";
import { countTokens, drawTokens, rngFor } from "./generation.ts";
import { drawPng, drawTone, SAMPLE_RATE, sizeOf, wavHead } from "./media-files.ts";
import { modelNames } from "./options.ts";
import type { GpuSimulatorOptions } from "./options.ts";
import type { Pacer } from "./pacer.ts";
import { judged, ranked, scored, tokenIds, tokensText } from "./text-judges.ts";

export type MediaRoute =
  | "generation"
  | "edit"
  | "variation"
  | "speech"
  | "transcript"
  | "moderation"
  | "rerank"
  | "score"
  | "tokenize"
  | "detokenize";

type MediaContext = { readonly options: GpuSimulatorOptions; readonly pacer: Pacer };

type Refusal = { readonly status: number; readonly type: string; readonly message: string };

const badRequest = (message: string): Refusal => ({ status: 400, type: "BadRequestError", message });

const ROUTES: readonly (readonly [RegExp, MediaRoute])[] = [
  [/^\/v1\/images\/generations$/, "generation"],
  [/^\/v1\/images\/edits$/, "edit"],
  [/^\/v1\/images\/variations$/, "variation"],
  [/^\/v1\/audio\/speech$/, "speech"],
  [/^\/v1\/audio\/trans(?:criptions|lations)$/, "transcript"],
  [/^\/v1\/moderations$/, "moderation"],
  [/^(?:\/v[12])?\/rerank$/, "rerank"],
  [/^(?:\/v1)?\/score$/, "score"],
  [/^(?:\/v1)?\/tokenize$/, "tokenize"],
  [/^(?:\/v1)?\/detokenize$/, "detokenize"],
];

export const mediaRoute = (path: string): MediaRoute | null => ROUTES.find(([form]) => form.test(path))?.[1] ?? null;

/** Null: it is answered, or will be. */
export async function serveMedia(
  exchange: Exchange,
  route: MediaRoute,
  body: Buffer,
  context: MediaContext,
): Promise<Refusal | null> {
  const fields = await fieldsOf(exchange, body);
  if (fields === null) return badRequest("The body is neither JSON nor a form.");
  const { model } = fields;
  if (model !== undefined && !modelNames(context.options).includes(String(model)))
    return { status: 404, type: "NotFoundError", message: `The model \`${String(model)}\` does not exist.` };
  const asked: Asked = { exchange, fields, body, context, model: String(model ?? modelNames(context.options)[0]) };
  switch (route) {
    case "generation":
    case "edit":
    case "variation":
      return drawImages(asked, route);
    case "speech":
      return speak(asked);
    case "transcript":
      return transcribe(asked);
    case "moderation":
      return tell(asked, judged(asked.model, fields));
    case "rerank":
      return tell(asked, ranked(asked.model, fields));
    case "score":
      return tell(asked, scored(asked.model, fields));
    case "tokenize":
      return tellNow(asked, tokenIds(fields, context.options.maxModelLen));
    case "detokenize":
      return tellNow(asked, tokensText(fields));
    default:
      return assertNever(route);
  }
}

type Fields = Readonly<Record<string, unknown>>;

type Asked = {
  readonly exchange: Exchange;
  readonly fields: Fields;
  readonly body: Buffer;
  readonly context: MediaContext;
  readonly model: string;
};

/** Of a form its texts and its files by name, the last of two; null: it is none, and no JSON. */
async function fieldsOf({ req }: Exchange, body: Buffer): Promise<Fields | null> {
  const type = req.headers["content-type"] ?? "";
  try {
    if (/^multipart\//i.test(type)) {
      const form = await new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
      return Object.fromEntries(form.entries());
    }
    return z.record(z.string(), z.unknown()).parse(JSON.parse(body.toString("utf8")));
  } catch {
    return null;
  }
}

const LACKING = badRequest("The body has not what this path needs.");

/** Without a turn of the engine. */
function tellNow({ exchange }: Asked, answer: unknown): Refusal | null {
  if (answer === null) return LACKING;
  exchange.reply.json(200, answer);
  return null;
}

/** At once, but for the engine's time. */
function tell(asked: Asked, answer: unknown): Refusal | null {
  if (answer === null) return LACKING;
  const { exchange, body } = asked;
  return atWork(asked, {
    promptTokens: countTokens(body.toString("utf8")),
    outputTokens: 1,
    onTokens: () => undefined,
    onDone: () => exchange.reply.json(200, answer),
  });
}

type Work = {
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly onTokens: (count: number) => void;
  readonly onDone: () => void;
};

function atWork({ exchange, context: { pacer } }: Asked, work: Work): Refusal | null {
  const id = pacer.submit({ ...work, finishReason: "stop" });
  if (id === null) return { status: 429, type: "RateLimitError", message: "waiting requests queue is full" };
  exchange.gone.addEventListener("abort", () => pacer.cancel(id));
  return null;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const isTrue = (value: unknown): boolean => value === true || value === "true";
const event = (data: { readonly type: string } & Fields): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const EVENTS = { "content-type": "text/event-stream; charset=utf-8" };

function drawImages(asked: Asked, route: "generation" | "edit" | "variation"): Refusal | null {
  const { exchange, fields, body, context } = asked;
  const isForm = fields["image"] instanceof Blob || fields["image[]"] instanceof Blob;
  if (route === "variation" && !isForm) return badRequest("image is required.");
  if (route === "edit" && !isForm && !Array.isArray(fields["images"])) return badRequest("image is required.");
  if (route !== "variation" && text(fields["prompt"]) === "") return badRequest("prompt is required.");
  const count = Math.min(10, Math.max(1, Number(fields["n"] ?? 1)));
  const partial = Math.min(3, Math.max(0, Number(fields["partial_images"] ?? 0)));
  const rng = rngFor(context.options.seed, body);
  const draw = (): string => drawPng(rng, sizeOf(text(fields["size"]))).toString("base64");
  const input = countTokens(text(fields["prompt"]));
  const usage = { total_tokens: input + count, input_tokens: input, output_tokens: count };
  const stream = isTrue(fields["stream"]);
  const name = route === "generation" ? "image_generation" : "image_edit";
  let drawn = 0;
  if (stream) exchange.reply.start(200, EVENTS);
  return atWork(asked, {
    promptTokens: input,
    outputTokens: 1 + partial,
    onTokens(tokens) {
      const more = stream ? Math.min(tokens, partial - drawn) : 0;
      for (let nth = 0; nth < more; nth += 1, drawn += 1) {
        const type = `${name}.partial_image`;
        exchange.reply.write(event({ type, b64_json: draw(), partial_image_index: drawn, created_at: 0 }));
      }
    },
    onDone() {
      if (stream) {
        exchange.reply.write(event({ type: `${name}.completed`, b64_json: draw(), created_at: 0, usage }));
        exchange.reply.end();
        return;
      }
      const isUrl = fields["response_format"] === "url";
      const data = Array.from({ length: count }, () =>
        isUrl ? { url: `data:image/png;base64,${draw()}` } : { b64_json: draw() },
      );
      exchange.reply.json(200, { created: 0, data, usage });
    },
  });
}

function speak(asked: Asked): Refusal | null {
  const { exchange, fields, body, context } = asked;
  const input = text(fields["input"]);
  if (input === "") return badRequest("input is required.");
  const rng = rngFor(context.options.seed, body);
  const tokens = countTokens(input);
  const isEvents = fields["stream_format"] === "sse";
  const { reply } = exchange;
  const usage = { input_tokens: tokens, output_tokens: tokens, total_tokens: 2 * tokens };
  const say = (sound: Buffer): void =>
    reply.write(isEvents ? event({ type: "speech.audio.delta", audio: sound.toString("base64") }) : sound);
  reply.start(200, isEvents ? EVENTS : { "content-type": "audio/wav" });
  let hasBegun = false;
  return atWork(asked, {
    promptTokens: tokens,
    outputTokens: tokens,
    onTokens(count) {
      if (!hasBegun) say(wavHead(tokens));
      hasBegun = true;
      for (let nth = 0; nth < count; nth += 1) say(drawTone(rng));
    },
    onDone() {
      if (isEvents) reply.write(event({ type: "speech.audio.done", usage }));
      reply.end();
    },
  });
}

/** Words of one transcript. */
const WORDS_SAID = 12;

function transcribe(asked: Asked): Refusal | null {
  const { exchange, fields, body, context } = asked;
  const { file } = fields;
  if (!(file instanceof Blob)) return badRequest("file is required.");
  const led = text(fields["prompt"]);
  const words = [
    ...drawTokens(rngFor(context.options.seed, body), { fromIndex: 0, count: WORDS_SAID }),
    ...(led === "" ? [] : led.split(/(?= )/).map((word, at) => (at === 0 ? ` ${word}` : word))),
  ];
  const said = words.join("");
  const seconds = Math.max(1, Math.ceil(file.size / (SAMPLE_RATE * 2)));
  const usage = { type: "duration", seconds };
  const stream = isTrue(fields["stream"]);
  const { reply } = exchange;
  let sent = 0;
  if (stream) reply.start(200, EVENTS);
  return atWork(asked, {
    promptTokens: Math.min(1_500, Math.ceil(seconds * 50)),
    outputTokens: words.length,
    onTokens(count) {
      for (const delta of words.slice(sent, sent + count)) {
        if (stream) reply.write(event({ type: "transcript.text.delta", delta }));
      }
      sent += count;
    },
    onDone() {
      if (stream) {
        reply.write(event({ type: "transcript.text.done", text: said, usage }));
        reply.end();
        return;
      }
      sendTranscript(exchange, text(fields["response_format"]), { said, seconds, usage });
    },
  });
}

type Transcript = { readonly said: string; readonly seconds: number; readonly usage: unknown };

function sendTranscript({ reply }: Exchange, format: string, { said, seconds, usage }: Transcript): void {
  const end = String(seconds % 60).padStart(2, "0");
  switch (format) {
    case "text":
      reply.send(200, { "content-type": "text/plain; charset=utf-8" }, `${said}\n`);
      return;
    case "srt":
      reply.send(
        200,
        { "content-type": "text/plain; charset=utf-8" },
        `1\n00:00:00,000 --> 00:00:${end},000\n${said}\n`,
      );
      return;
    case "vtt":
      reply.send(
        200,
        { "content-type": "text/vtt; charset=utf-8" },
        `WEBVTT\n\n00:00:00.000 --> 00:00:${end}.000\n${said}\n`,
      );
      return;
    case "verbose_json": {
      const segments = [{ id: 0, seek: 0, start: 0, end: seconds, text: said, tokens: [], temperature: 0 }];
      reply.json(200, { task: "transcribe", language: "english", duration: seconds, text: said, segments, usage });
      return;
    }
    default:
      reply.json(200, { text: said, usage });
  }
}
