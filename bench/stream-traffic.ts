/** What the benchmark of streams sends and says: a story in prose, one token to an event, as model servers cut it. */
import { CHAT_PATH, MODEL } from "./traffic.ts";

export const CHUNKS = 50;
export const INTERVAL_MS = 20;

/** Ordinary prose, without anything that a rail should find. */
export const PROSE =
  "The harbour was quiet when the first boats came in. Nobody spoke much; the light was still grey, and the gulls had the " +
  "quay to themselves. A boy carried two baskets of fish to the market, where his mother waited by the well. She had been " +
  'up since four. "You are late," she said, and he laughed. It was a good morning for walking: cool, dry and bright. In the ' +
  "afternoon they went up the hill, as they did every week, to look over the water and count the sails they could see. " +
  "Later the wind turned. What had been a calm day became a long evening of rain, and everyone stayed near the fire; the " +
  "old man told the story of the winter of 1962, when the bay froze and people walked across it with lanterns.";

/** Words with the space before them, long ones in pieces: some four characters each, as tokens have. */
export function tokensOf(text: string): readonly string[] {
  return text.match(/\s*\S{1,6}/g) ?? [];
}

/** Each is one chunk of the stream; the last one ends it. */
export function streamChunks(): readonly Buffer[] {
  const tokens = tokensOf(PROSE);
  const event = (delta: unknown, finish: string | null): string => {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish }];
    return `data: ${JSON.stringify({ id: "chatcmpl-bench", object: "chat.completion.chunk", created: 1_700_000_000, model: MODEL, choices })}\n\n`;
  };
  const texts = Array.from({ length: CHUNKS - 2 }, (_, at) => event({ content: tokens[at % tokens.length] }, null));
  const events = [event({ role: "assistant", content: "" }, null), ...texts, `${event({}, "stop")}data: [DONE]\n\n`];
  return events.map((text) => Buffer.from(text));
}

/** What a client reads of the whole stream. */
export function streamText(): string {
  const tokens = tokensOf(PROSE);
  return Array.from({ length: CHUNKS - 2 }, (_, at) => tokens[at % tokens.length] ?? "").join("");
}

/** How a client asks, and the member of an event in which it reads a piece of text. */
export const SPOKEN = {
  chat: { path: CHAT_PATH, member: "content", body: { messages: [{ role: "user", content: "Tell me a story." }] } },
  messages: {
    path: "/v1/messages",
    member: "text",
    body: { max_tokens: 64, messages: [{ role: "user", content: "Tell me a story." }] },
  },
  responses: { path: "/v1/responses", member: "delta", body: { store: false, input: "Tell me a story." } },
} as const;

export type Spoken = keyof typeof SPOKEN;

export function streamRequest(key: string, spoken: Spoken): Buffer {
  const { path, body: asked } = SPOKEN[spoken];
  const body = JSON.stringify({ model: MODEL, stream: true, ...asked });
  const head = [
    `POST ${path} HTTP/1.1`,
    "host: localhost",
    `authorization: Bearer ${key}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
}
