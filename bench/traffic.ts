/** The requests and answers of the overhead benchmark. The same request bytes go to every contender. */

export const MODEL = "bench-model";
export const CHAT_PATH = "/v1/chat/completions";

/** About 400 bytes: a short chat answer. */
export const JSON_ANSWER = JSON.stringify({
  id: "chatcmpl-bench",
  object: "chat.completion",
  created: 1_700_000_000,
  model: MODEL,
  choices: [
    {
      index: 0,
      message: {
        role: "assistant",
        content: "Each lease is settled once, at the end of its stream. ".repeat(3).trim(),
      },
      finish_reason: "stop",
    },
  ],
  usage: { prompt_tokens: 350, completion_tokens: 36, total_tokens: 386 },
});

/** What the client takes for the first token. */
export const TOKEN_MARK = '"content":"';

const event = {
  id: "chatcmpl-bench",
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model: MODEL,
  choices: [{ index: 0, delta: { content: "token " }, finish_reason: null }],
};
export const EVENT_BYTES: Buffer = Buffer.from(`data: ${JSON.stringify(event)}\n\n`);
export const STREAM_END = "data: [DONE]\n\n";

/** Events of a stream and the time between them, ms. */
export type Pace = { readonly chunks: number; readonly intervalMs: number };

const sentence =
  "Durable Objects hold the truth about every endpoint: is it warm, how many requests run, how fast is it. ";

/** One POST as it goes over the wire, with a body of about 1.5 KB. Without a pace it asks for a JSON answer. */
export function chatRequest(key: string, pace: Pace | null): Buffer {
  const body = JSON.stringify({
    model: MODEL,
    messages: [
      { role: "system", content: `You answer briefly. ${sentence.repeat(3)}` },
      { role: "user", content: sentence.repeat(6) },
      { role: "assistant", content: sentence },
      { role: "user", content: `Summarise this in one sentence. ${sentence.repeat(3)}` },
    ],
    max_tokens: 64,
    temperature: 0.7,
    ...(pace === null ? {} : { stream: true, mock_stream: { chunks: pace.chunks, intervalMs: pace.intervalMs } }),
  });
  const head = [
    `POST ${CHAT_PATH} HTTP/1.1`,
    "host: localhost",
    "user-agent: warmpath-bench",
    "accept: application/json",
    `authorization: Bearer ${key}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
}
