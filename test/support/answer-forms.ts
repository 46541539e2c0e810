/**
 * Ways in which an endpoint can say a thing: every protocol, every place in its answers that a text can stand in, whole
 * and in pieces, and what is no protocol at all. For tests that no rail takes one of them for nothing.
 */
// size: one table, and a reader of it; a part of it would not be all forms
import type { Speech } from "./speaker.ts";

export type AnswerForm = {
  readonly name: string;
  readonly path: string;
  readonly speech: (said: string) => Speech;
};

type Json = Readonly<Record<string, unknown>>;
/** A place in an answer, and the answer with a text there. */
type Places = Readonly<Record<string, (said: string) => Json>>;

/** A path of the endpoint's own. */
const OWN = "/own/generate";

const inPieces = (text: string, chars = 3): readonly string[] => text.match(new RegExp(`[^]{1,${chars}}`, "g")) ?? [];
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const escaped = (text: string): string =>
  Array.from(text, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");

const whole = (body: unknown, how: Partial<Speech> = {}): Speech => ({
  contentType: "application/json",
  pieces: [typeof body === "string" ? body : JSON.stringify(body)],
  ...how,
});
const data = (event: unknown): string => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`;
const named = (event: Json): string => `event: ${String(event["type"])}\n${data(event)}`;

const chatChoice = { index: 0, finish_reason: null };
const chatEvent = (choice: Json, event: Json = {}): string =>
  data({
    id: "c",
    object: "chat.completion.chunk",
    created: 1_764_000_000,
    model: "m",
    choices: [{ ...chatChoice, ...choice }],
    ...event,
  });
const chatEnd = `${chatEvent({ delta: {}, finish_reason: "stop" })}data: [DONE]\n\n`;
const stream = (...events: readonly string[]): Speech => ({ pieces: events });
const chatSpeech = (...events: readonly string[]): Speech =>
  stream(chatEvent({ delta: { role: "assistant", content: "ok " } }), ...events, chatEnd);

/** In a chat message, and in a delta of one. */
const MESSAGE: Places = {
  content: (said) => ({ content: said }),
  "content parts": (said) => ({ content: [{ type: "text", text: said }] }),
  refusal: (said) => ({ refusal: said }),
  reasoning: (said) => ({ reasoning: said }),
  reasoning_content: (said) => ({ reasoning_content: said }),
  "reasoning_details text": (said) => ({ reasoning_details: [{ type: "reasoning.text", index: 0, text: said }] }),
  "reasoning_details summary": (said) => ({ reasoning_details: [{ type: "reasoning.summary", summary: said }] }),
  thinking_blocks: (said) => ({ thinking_blocks: [{ type: "thinking", thinking: said }] }),
  "name of a tool": (said) => ({ tool_calls: [{ index: 0, id: "t", type: "function", function: { name: said } }] }),
  "arguments of a tool": (said) => ({ tool_calls: [{ index: 0, function: { name: "f", arguments: said } }] }),
  "arguments with escapes": (said) => ({
    tool_calls: [{ index: 0, function: { name: "f", arguments: `{"k":"${escaped(said)}"}` } }],
  }),
  "arguments as an object": (said) => ({
    tool_calls: [{ index: 0, function: { name: "f", arguments: { to: said } } }],
  }),
  "id of a call": (said) => ({ tool_calls: [{ index: 0, id: said, function: { name: "f", arguments: "{}" } }] }),
  "type of a call": (said) => ({ tool_calls: [{ index: 0, type: said, function: { name: "f", arguments: "{}" } }] }),
  "custom tool": (said) => ({ tool_calls: [{ index: 0, custom: { name: "f", input: said } }] }),
  "custom tool's name": (said) => ({ tool_calls: [{ index: 0, custom: { name: said, input: "x" } }] }),
  "function_call name": (said) => ({ function_call: { name: said, arguments: "{}" } }),
  "function_call arguments": (said) => ({ function_call: { name: "f", arguments: said } }),
  "annotations url": (said) => ({
    annotations: [{ type: "url_citation", url_citation: { url: `https://a.example/${said}` } }],
  }),
  "annotations title": (said) => ({ annotations: [{ type: "url_citation", url_citation: { title: said } }] }),
  citations: (said) => ({ citations: [said] }),
  "audio transcript": (said) => ({ audio: { id: "a", transcript: said } }),
  "audio id": (said) => ({ audio: { id: said, transcript: "" } }),
  images: (said) => ({ images: [{ type: "image_url", image_url: { url: `https://a.example/?q=${said}` } }] }),
  tool_results: (said) => ({ tool_results: [{ output: { rows: [[said]] } }] }),
  role: (said) => ({ role: said }),
  "name of the speaker": (said) => ({ name: said }),
  "unknown member": (said) => ({ scratchpad: said }),
  "unknown member, deep": (said) => ({ provider_specific_fields: { a: [{ b: [said] }] } }),
  "a member's name": (said) => ({ provider_specific_fields: { [said]: 1 } }),
  "base64 in content": (said) => ({ content: `see ${base64(said)} there` }),
  "base64 in an unknown member": (said) => ({ blob: base64(said) }),
  "percent signs in a url": (said) => ({
    annotations: [
      {
        url_citation: {
          url: `https://a.example/?q=${Array.from(said, (char) => `%${char.charCodeAt(0).toString(16)}`).join("")}`,
        },
      },
    ],
  }),
  "JSON in a string": (said) => ({ scratchpad: `{"k":"${escaped(said)}"}` }),
};

/** Beside a message or delta, in its choice. */
const CHOICE: Places = {
  finish_reason: (said) => ({ finish_reason: said }),
  stop_reason: (said) => ({ stop_reason: said }),
  "logprobs token": (said) => ({ logprobs: { content: [{ token: said, logprob: -0.1, top_logprobs: [] }] } }),
  "logprobs, a token a piece": (said) => ({
    logprobs: { content: inPieces(said).map((token) => ({ token, logprob: -0.1 })) },
  }),
  top_logprobs: (said) => ({
    logprobs: { content: [{ token: "a", logprob: -1, top_logprobs: [{ token: said, logprob: -2 }] }] },
  }),
  "bytes of a token": (said) => ({
    logprobs: { content: [{ token: "", logprob: -1, bytes: [...Buffer.from(said)] }] },
  }),
  "bytes, a token a piece": (said) => ({
    logprobs: { content: inPieces(said).map((piece) => ({ token: "", logprob: -1, bytes: [...Buffer.from(piece)] })) },
  }),
  content_filter_results: (said) => ({ content_filter_results: { jailbreak: { detail: said } } }),
  "unknown member of a choice": (said) => ({ matched_stop: said }),
};

/** Around the choices. */
const ENVELOPE: Places = {
  id: (said) => ({ id: said }),
  model: (said) => ({ model: said }),
  object: (said) => ({ object: said }),
  system_fingerprint: (said) => ({ system_fingerprint: said }),
  service_tier: (said) => ({ service_tier: said }),
  usage: (said) => ({ usage: { note: said } }),
  prompt_logprobs: (said) => ({ prompt_logprobs: [null, { "12": { logprob: -1, rank: 1, decoded_token: said } }] }),
  "prompt_logprobs, a token a piece": (said) => ({
    prompt_logprobs: inPieces(said).map((decoded_token) => ({ "12": { logprob: -1, rank: 1, decoded_token } })),
  }),
  "citations of the answer": (said) => ({ citations: [said] }),
  search_results: (said) => ({ search_results: [{ title: said, url: "https://a.example" }] }),
  kv_transfer_params: (said) => ({ kv_transfer_params: { remote: said } }),
  "unknown member of the answer": (said) => ({ debug: { prompt: said } }),
  "name of a member of the answer": (said) => ({ [said]: true }),
  "error beside the choices": (said) => ({ warning: { message: said } }),
  obfuscation: (said) => ({ obfuscation: said }),
};

const chatWhole = (message: Json, choice: Json = {}, answer: Json = {}): Speech =>
  whole({
    id: "c",
    object: "chat.completion",
    created: 1_764_000_000,
    model: "m",
    choices: [
      { index: 0, message: { role: "assistant", content: "ok ", ...message }, finish_reason: "stop", ...choice },
    ],
    ...answer,
  });

const CHAT = "/v1/chat/completions";

function chatForms(): AnswerForm[] {
  const form = (name: string, speech: AnswerForm["speech"]): AnswerForm => ({
    name: `chat, ${name}`,
    path: CHAT,
    speech,
  });
  return [
    ...entries(MESSAGE).flatMap(([name, place]) => [
      form(`${name}, whole`, (said) => chatWhole(place(said))),
      form(`${name}, in a delta`, (said) => chatSpeech(chatEvent({ delta: place(said) }))),
      form(`${name}, in pieces`, (said) =>
        chatSpeech(...inPieces(said).map((piece) => chatEvent({ delta: place(piece) }))),
      ),
    ]),
    ...entries(CHOICE).flatMap(([name, place]) => [
      form(`${name}, whole`, (said) => chatWhole({}, place(said))),
      form(`${name}, in a stream`, (said) => chatSpeech(chatEvent({ delta: { content: "a " }, ...place(said) }))),
    ]),
    ...entries(ENVELOPE).flatMap(([name, place]) => [
      form(`${name}, whole`, (said) => chatWhole({}, {}, place(said))),
      form(`${name}, in a stream`, (said) => chatSpeech(chatEvent({ delta: { content: "a " } }, place(said)))),
      form(`${name}, in pieces`, (said) =>
        chatSpeech(...inPieces(said).map((piece) => chatEvent({ delta: { content: "a " } }, place(piece)))),
      ),
    ]),
    form("obfuscation behind a known form, in pieces", (said) =>
      chatSpeech(
        ...["a", "b", ...inPieces(said, 60)].map((piece) =>
          chatEvent({ delta: { content: "word " } }, { obfuscation: piece }),
        ),
      ),
    ),
    form("choices in turns, in pieces", (said) =>
      chatSpeech(
        ...inPieces(said).flatMap((piece) => [0, 1].map((index) => chatEvent({ index, delta: { content: piece } }))),
      ),
    ),
    form("unknown members of choices in turns", (said) =>
      chatSpeech(
        ...inPieces(said).flatMap((piece) => [0, 1].map((index) => chatEvent({ index, delta: { scratchpad: piece } }))),
      ),
    ),
    form("one character an event", (said) =>
      chatSpeech(...Array.from(said, (char) => chatEvent({ delta: { content: char } }))),
    ),
    form("the first of two members, whole", (said) =>
      whole(
        `{"choices":[{"index":0,"message":{"role":"assistant","content":"${said}","content":"ok"},"finish_reason":"stop"}]}`,
      ),
    ),
    form("the first of two members, in a stream", (said) =>
      chatSpeech(data(`{"choices":[{"index":0,"delta":{"content":"${said}","content":"ok"}}]}`)),
    ),
    form("a whole message as the last event", (said) => chatSpeech(chatEvent({ message: { content: said } }))),
    form("a completion's text in a chat", (said) => chatSpeech(chatEvent({ text: said }))),
    form("an error event in mid-stream", (said) =>
      chatSpeech(data({ error: { message: said, type: "x", code: 500 } })),
    ),
    form("a named error event in mid-stream", (said) =>
      chatSpeech(`event: error\n${data({ error: { message: "no", param: said } })}`),
    ),
    form("an error event that is no JSON", (said) => chatSpeech(`event: error\ndata: it broke: ${said}\n\n`)),
    form("a comment", (said) => chatSpeech(`: ${said}\n\n`)),
    form("a comment in an event", (said) => chatSpeech(`: ${said}\n${chatEvent({ delta: { content: "a " } })}`)),
    form("comments, in pieces", (said) => chatSpeech(...inPieces(said).map((piece) => `:${piece}\n\n`))),
    form("the name of an event", (said) => chatSpeech(`event: ${said}\n${chatEvent({ delta: { content: "a " } })}`)),
    form("the id of an event", (said) => chatSpeech(`id: ${said}\n${chatEvent({ delta: { content: "a " } })}`)),
    form("ids, in pieces", (said) =>
      chatSpeech(...inPieces(said).map((piece) => `id: ${piece}\n${chatEvent({ delta: { content: "a " } })}`)),
    ),
    form("retry", (said) => chatSpeech(`retry: ${said}\n\n`)),
    form("a field that is none", (said) => chatSpeech(`note: ${said}\n${chatEvent({ delta: { content: "a " } })}`)),
    form("a field's name", (said) => chatSpeech(`${said}\n\n`)),
    form("JSON in a line that is no data", (said) => chatSpeech(`{"k":"${escaped(said)}"}\n\n`)),
    form("data that is text", (said) => chatSpeech(data(`the key is ${said}`))),
    form("data that is text, over events", (said) => chatSpeech(...inPieces(said).map((piece) => data(piece)))),
    form("data that is an array", (said) => chatSpeech(data([said]))),
    form("data that is an array with escapes", (said) => chatSpeech(data(`["${escaped(said)}"]`))),
    form("data that is a string", (said) => chatSpeech(data(`"${escaped(said)}"`))),
    form("data that is no JSON for us", (said) =>
      chatSpeech(data(`{"choices":[{"delta":{"content":"${said}"}}],"x":NaN}`)),
    ),
    form("data over several lines", (said) =>
      chatSpeech(`data: {"choices":[{"index":0,\ndata: "delta":{"content":\ndata: "${said}"}}]}\n\n`),
    ),
    form("behind [DONE]", (said) => chatSpeech(chatEnd, chatEvent({ delta: { content: said } }))),
    form("behind [DONE], a comment", (said) => chatSpeech(chatEnd, `: ${said}\n\n`)),
    form("half an event at the end", (said) =>
      chatSpeech(chatEnd, chatEvent({ delta: { content: said } }).slice(0, -10)),
    ),
    form("lines that end with CR", (said) => stream(chatStreamOf(said).replaceAll("\n", "\r"))),
    form("cut at every byte", (said) => ({
      pieces: Array.from(Buffer.from(chatStreamOf(said)), (byte) => Buffer.from([byte])),
    })),
    form("an event of 1.5 MiB", (said) =>
      chatSpeech(chatEvent({ delta: { content: `${"word ".repeat(300_000)}${said}` } })),
    ),
    form("an event of 5 MiB", (said) =>
      chatSpeech(chatEvent({ delta: { content: `${"word ".repeat(1_000_000)}${said}` } })),
    ),
    form("nested deeper than is read, whole", (said) => chatWhole({ deep: nested(said, 80) })),
    form("nested deeper than is read, in a stream", (said) =>
      chatSpeech(chatEvent({ delta: { deep: nested(said, 80) } })),
    ),
    form("more texts than are read", (said) =>
      chatWhole({ rows: [...Array.from({ length: 20_000 }, (_, at) => `r${at}`), said] }),
    ),
  ];
}

const chatStreamOf = (said: string): string =>
  [
    chatEvent({ delta: { content: "the key " } }),
    ...inPieces(said).map((content) => chatEvent({ delta: { content } })),
    chatEnd,
  ].join("");

const nested = (said: string, depth: number): unknown =>
  Array.from({ length: depth }).reduce<unknown>((inner) => ({ n: inner }), said);

const COMPLETIONS = "/v1/completions";

function completionForms(): AnswerForm[] {
  const form = (name: string, speech: AnswerForm["speech"]): AnswerForm => ({
    name: `completions, ${name}`,
    path: COMPLETIONS,
    speech,
  });
  const places: Places = {
    text: (said) => ({ text: said }),
    tokens: (said) => ({ text: "", logprobs: { tokens: [said], token_logprobs: [-1], text_offset: [0] } }),
    "tokens, a piece each": (said) => ({
      text: "",
      logprobs: { tokens: inPieces(said), token_logprobs: [-1], text_offset: [0] },
    }),
    "top_logprobs' names": (said) => ({ text: "", logprobs: { tokens: ["a"], top_logprobs: [{ [said]: -1 }] } }),
    reasoning: (said) => ({ text: "", reasoning: said }),
    "unknown member": (said) => ({ text: "", note: said }),
  };
  const event = (choice: Json): string =>
    data({ id: "c", object: "text_completion", choices: [{ index: 0, finish_reason: null, ...choice }] });
  const end = `${event({ text: "", finish_reason: "stop" })}data: [DONE]\n\n`;
  return entries(places).flatMap(([name, place]) => [
    form(`${name}, whole`, (said) =>
      whole({ id: "c", choices: [{ index: 0, finish_reason: "stop", ...place(said) }] }),
    ),
    form(`${name}, in a stream`, (said) => stream(event({ text: "ok " }), event(place(said)), end)),
    form(`${name}, in pieces`, (said) =>
      stream(event({ text: "ok " }), ...inPieces(said).map((piece) => event(place(piece))), end),
    ),
  ]);
}

const RESPONSES = "/v1/responses";

function responsesForms(): AnswerForm[] {
  const form = (name: string, speech: AnswerForm["speech"]): AnswerForm => ({
    name: `responses, ${name}`,
    path: RESPONSES,
    speech,
  });
  const message = (part: Json): Json => ({
    type: "message",
    id: "i",
    role: "assistant",
    content: [{ type: "output_text", text: "ok ", annotations: [], ...part }],
  });
  const items: Places = {
    text: (said) => message({ text: said }),
    annotations: (said) =>
      message({ annotations: [{ type: "url_citation", url: `https://a.example/${said}`, title: "t" }] }),
    "annotation's file": (said) => message({ annotations: [{ type: "file_citation", filename: said }] }),
    logprobs: (said) => message({ logprobs: [{ token: said, logprob: -1, bytes: [] }] }),
    refusal: (said) => ({ type: "message", content: [{ type: "refusal", refusal: said }] }),
    summary: (said) => ({ type: "reasoning", id: "i", summary: [{ type: "summary_text", text: said }] }),
    "reasoning text": (said) => ({ type: "reasoning", id: "i", content: [{ type: "reasoning_text", text: said }] }),
    "function's name": (said) => ({ type: "function_call", name: said, call_id: "c", arguments: "{}" }),
    "function's arguments": (said) => ({
      type: "function_call",
      name: "f",
      call_id: "c",
      arguments: `{"k":"${said}"}`,
    }),
    call_id: (said) => ({ type: "function_call", name: "f", call_id: said, arguments: "{}" }),
    "mcp output": (said) => ({ type: "mcp_call", name: "f", arguments: "{}", output: said }),
    "mcp error": (said) => ({ type: "mcp_call", name: "f", arguments: "{}", error: said }),
    "mcp tools": (said) => ({ type: "mcp_list_tools", tools: [{ name: "f", description: said }] }),
    "web search": (said) => ({ type: "web_search_call", action: { type: "search", query: said } }),
    "file search": (said) => ({ type: "file_search_call", queries: ["x"], results: [{ filename: "f", text: said }] }),
    "code interpreter's log": (said) => ({
      type: "code_interpreter_call",
      code: "1",
      outputs: [{ type: "logs", logs: said }],
    }),
    "shell output": (said) => ({ type: "shell_call_output", output: [{ stdout: said }] }),
    "computer action": (said) => ({ type: "computer_call", action: { type: "type", text: said } }),
    "custom tool": (said) => ({ type: "custom_tool_call", name: "f", input: said }),
    "unknown item": (said) => ({ type: "x_item", payload: { value: said } }),
    id: (said) => ({ ...message({}), id: said }),
  };
  const envelope: Places = {
    instructions: (said) => ({ instructions: said }),
    metadata: (said) => ({ metadata: { k: said } }),
    tools: (said) => ({ tools: [{ type: "function", name: "f", description: said }] }),
    error: (said) => ({ error: { code: "x", message: said } }),
    incomplete_details: (said) => ({ incomplete_details: { reason: said } }),
    output_text: (said) => ({ output_text: said }),
  };
  const response = (item: Json, more: Json = {}): Json => ({
    id: "r",
    object: "response",
    status: "completed",
    output: [item],
    ...more,
  });
  const end = named({ type: "response.completed", response: response(message({})) });
  const begin = named({
    type: "response.output_text.delta",
    item_id: "i",
    output_index: 0,
    content_index: 0,
    delta: "ok ",
  });
  const delta = (type: string, text: unknown): string =>
    named({ type: `${type}.delta`, item_id: "i", output_index: 0, delta: text });
  return [
    ...entries(items).flatMap(([name, item]) => [
      form(`${name}, whole`, (said) => whole(response(item(said)))),
      form(`${name}, in an item that is done`, (said) =>
        stream(begin, named({ type: "response.output_item.done", output_index: 0, item: item(said) }), end),
      ),
    ]),
    ...entries(envelope).flatMap(([name, more]) => [
      form(`${name}, whole`, (said) => whole(response(message({}), more(said)))),
      form(`${name}, in a stream`, (said) =>
        stream(begin, named({ type: "response.completed", response: response(message({}), more(said)) })),
      ),
    ]),
    ...[
      "output_text",
      "refusal",
      "reasoning_text",
      "function_call_arguments",
      "mcp_call_arguments",
      "code_interpreter_call_code",
      "audio.transcript",
      "x_unknown",
    ].map((family) =>
      form(`deltas of ${family}`, (said) =>
        stream(begin, ...inPieces(said).map((piece) => delta(`response.${family}`, piece)), end),
      ),
    ),
    form("a delta that is an object", (said) =>
      stream(begin, ...inPieces(said).map((piece) => delta("response.x", { text: piece })), end),
    ),
    form("an event of no known type", (said) =>
      stream(begin, named({ type: "response.x_event", value: { note: said } }), end),
    ),
    form("an annotation that is added", (said) =>
      stream(begin, named({ type: "response.output_text.annotation.added", annotation: { title: said } }), end),
    ),
    form("an error event", (said) => stream(begin, named({ type: "error", code: "x", message: said, param: null }))),
    form("a failed response", (said) =>
      stream(
        begin,
        named({ type: "response.failed", response: { ...response(message({})), error: { message: said } } }),
      ),
    ),
  ];
}

const MESSAGES = "/v1/messages";

function messagesForms(): AnswerForm[] {
  const form = (name: string, speech: AnswerForm["speech"]): AnswerForm => ({
    name: `messages, ${name}`,
    path: MESSAGES,
    speech,
  });
  const blocks: Places = {
    text: (said) => ({ type: "text", text: said }),
    thinking: (said) => ({ type: "thinking", thinking: said, signature: "c2ln" }),
    signature: (said) => ({ type: "thinking", thinking: "x", signature: said }),
    redacted_thinking: (said) => ({ type: "redacted_thinking", data: said }),
    "tool's name": (said) => ({ type: "tool_use", id: "t", name: said, input: {} }),
    "tool's id": (said) => ({ type: "tool_use", id: said, name: "f", input: {} }),
    "tool's input": (said) => ({ type: "tool_use", id: "t", name: "f", input: { a: [said] } }),
    "name in a tool's input": (said) => ({ type: "tool_use", id: "t", name: "f", input: { [said]: 1 } }),
    citations: (said) => ({ type: "text", text: "x", citations: [{ type: "char_location", cited_text: said }] }),
    "web search result": (said) => ({
      type: "web_search_tool_result",
      content: [{ type: "web_search_result", title: said, url: "https://a.example" }],
    }),
    "mcp result": (said) => ({ type: "mcp_tool_result", content: [{ type: "text", text: said }] }),
    "code's stdout": (said) => ({
      type: "code_execution_tool_result",
      content: { type: "code_execution_result", stdout: said },
    }),
    "unknown block": (said) => ({ type: "x_block", body: said }),
  };
  const start = named({
    type: "message_start",
    message: { id: "m", type: "message", role: "assistant", content: [], usage: { output_tokens: 1 } },
  });
  const begin = [
    start,
    named({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    named({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "ok " } }),
    named({ type: "content_block_stop", index: 0 }),
  ].join("");
  const end = [
    named({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } }),
    named({ type: "message_stop" }),
  ].join("");
  const deltas: Places = {
    text_delta: (said) => ({ text: said }),
    thinking_delta: (said) => ({ thinking: said }),
    input_json_delta: (said) => ({ partial_json: said }),
    signature_delta: (said) => ({ signature: said }),
    citations_delta: (said) => ({ citation: { type: "char_location", cited_text: said } }),
    x_delta: (said) => ({ words: said }),
  };
  return [
    ...entries(blocks).flatMap(([name, block]) => [
      form(`${name}, whole`, (said) =>
        whole({ id: "m", type: "message", role: "assistant", content: [block(said)], stop_reason: "end_turn" }),
      ),
      form(`${name}, at the start of a block`, (said) =>
        stream(
          begin,
          named({ type: "content_block_start", index: 1, content_block: block(said) }),
          named({ type: "content_block_stop", index: 1 }),
          end,
        ),
      ),
    ]),
    ...entries(deltas).map(([type, delta]) =>
      form(`${type}, in pieces`, (said) =>
        stream(
          begin,
          ...inPieces(said).map((piece) =>
            named({ type: "content_block_delta", index: 1, delta: { type, ...delta(piece) } }),
          ),
          named({ type: "content_block_stop", index: 1 }),
          end,
        ),
      ),
    ),
    form("stop_sequence, whole", (said) =>
      whole({
        id: "m",
        type: "message",
        content: [{ type: "text", text: "x" }],
        stop_reason: "stop_sequence",
        stop_sequence: said,
      }),
    ),
    form("stop_sequence, in a stream", (said) =>
      stream(
        begin,
        named({ type: "message_delta", delta: { stop_reason: "stop_sequence", stop_sequence: said } }),
        named({ type: "message_stop" }),
      ),
    ),
    form("container", (said) =>
      whole({ id: "m", type: "message", content: [{ type: "text", text: "x" }], container: { id: said } }),
    ),
    form("an error event", (said) =>
      stream(begin, named({ type: "error", error: { type: "overloaded_error", message: said } })),
    ),
    form("a ping with more", (said) => stream(begin, named({ type: "ping", note: said }), end)),
    form("an unknown event", (said) => stream(begin, named({ type: "x_event", note: said }), end)),
  ];
}

const utf16 = (text: string): Buffer => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, "utf16le")]);

/** On a path of the endpoint's own, where nobody knows what an answer is. */
function ownForms(): AnswerForm[] {
  const form = (name: string, speech: AnswerForm["speech"], path = OWN): AnswerForm => ({
    name: `own path, ${name}`,
    path,
    speech,
  });
  const typed =
    (contentType: string, text: (said: string) => string | Buffer, headers: Readonly<Record<string, string>> = {}) =>
    (said: string): Speech => ({
      contentType,
      pieces: [text(said)],
      headers,
    });
  const json = (said: string): string => JSON.stringify({ results: [{ out: said }] });
  return [
    form("JSON", typed("application/json", json)),
    form("JSON of another name", typed("application/vnd.own+json", json)),
    form(
      "a JSON array",
      typed("application/json", (said) => JSON.stringify([said])),
    ),
    form(
      "a JSON string",
      typed("application/json", (said) => `"${escaped(said)}"`),
    ),
    form(
      "JSON with its name twice",
      typed("application/json", (said) => `{"a":"${said}","a":"ok"}`),
    ),
    form(
      "JSON with NaN",
      typed("application/json", (said) => `{"a":"${said}","b":NaN}`),
    ),
    form(
      "JSON with bytes that are no UTF-8",
      typed("application/json", (said) => Buffer.concat([Buffer.from(json(said)), Buffer.from([0xff])])),
    ),
    form(
      "JSON in UTF-16",
      typed("application/json", (said) => utf16(json(said))),
    ),
    form(
      "JSON that says it is UTF-16",
      typed("application/json; charset=utf-16", (said) => utf16(json(said))),
    ),
    form("JSON that says it is in EBCDIC", typed("application/json; charset=ibm037", json)),
    form(
      "lines of JSON",
      typed("application/x-ndjson", (said) => `${json("ok")}\n${json(said)}\n`),
    ),
    form(
      "lines of JSON called JSON",
      typed("application/json", (said) => `${json("ok")}\n${json(said)}\n`),
    ),
    form(
      "plain text",
      typed("text/plain", (said) => `the key is ${said}`),
    ),
    form(
      "plain text with escapes",
      typed("text/plain", (said) => `{"k":"${escaped(said)}"}`),
    ),
    form(
      "a page",
      typed("text/html", (said) => `<p>${said}</p>`),
    ),
    form(
      "a page with entities",
      typed("text/html", (said) => Array.from(said, (char) => `&#${char.charCodeAt(0)};`).join("")),
    ),
    form(
      "XML",
      typed("application/xml", (said) => `<k>${said}</k>`),
    ),
    form(
      "no known type",
      typed("application/octet-stream", (said) => said),
    ),
    form(
      "an empty type",
      typed("", (said) => said),
    ),
    form(
      "sound",
      typed("audio/mpeg", (said) => Buffer.from(`ID3${said}`)),
    ),
    form(
      "an image",
      typed("image/png", (said) => Buffer.from(`\u0089PNG${said}`)),
    ),
    form(
      "a form",
      typed("multipart/form-data; boundary=x", (said) => `--x\r\n\r\n${said}\r\n--x--`),
    ),
    form("an encoding that nobody decodes", typed("application/json", json, { "content-encoding": "zstd" })),
    form(
      "events",
      typed("text/event-stream", (said) => data({ token: { text: said } })),
    ),
    form("events in pieces", (said) => ({ pieces: inPieces(said).map((text) => data({ token: { text } })) })),
    form("events in pieces of a name that nobody knows", (said) => ({
      pieces: inPieces(said).map((x) => data({ x: { y: x } })),
    })),
    form(
      "events called JSON",
      typed("application/json", (said) => data({ token: { text: said } })),
    ),
    form("JSON called events", typed("text/event-stream", json)),
    form(
      "JSON with blank lines called events",
      typed("text/event-stream", (said) => `{"a":\n\n"${escaped(said)}"}\n\n`),
    ),
    form(
      "events in another charset",
      typed("text/event-stream; charset=utf-16", (said) => data({ text: said })),
    ),
    form("lines of JSON in pieces", (said) => ({
      contentType: "application/x-ndjson",
      pieces: inPieces(said).map((piece) => `${json(piece)}\n`),
    })),
    form(
      "a media file in JSON",
      typed("application/json", (said) =>
        JSON.stringify({ b64_json: base64(`\u0089PNG\r\n\u001a\n\u0000\u0001${"\u0000\u00ff".repeat(600)}${said}`) }),
      ),
    ),
    form(
      "base64 in JSON",
      typed("application/json", (said) => JSON.stringify({ out: base64(`the key is ${said}`) })),
    ),
    form(
      "token ids",
      typed("application/json", (said) => JSON.stringify({ token_ids: [...Buffer.from(said)] })),
    ),
    form(
      "embeddings with a note",
      typed("application/json", (said) =>
        JSON.stringify({ object: "list", data: [{ embedding: [0.1, -0.2], note: said }] }),
      ),
      "/v1/embeddings",
    ),
    form(
      "embeddings of an input that is repeated",
      typed("application/json", (said) => JSON.stringify({ data: [{ embedding: [0.1], index: 0 }], model: said })),
      "/v1/embeddings",
    ),
    form(
      "a stored response",
      typed("application/json", (said) =>
        JSON.stringify({ data: [{ type: "message", content: [{ type: "input_text", text: said }] }] }),
      ),
      "/v1/responses/r1/input_items",
    ),
    form(
      "a rerank's documents",
      typed("application/json", (said) => JSON.stringify({ results: [{ index: 0, document: { text: said } }] })),
      "/v1/rerank",
    ),
    form(
      "a transcription",
      typed("application/json", (said) => JSON.stringify({ text: said, segments: [{ text: said }] })),
      "/v1/audio/transcriptions",
    ),
    form(
      "a transcription as text",
      typed("text/plain; charset=utf-8", (said) => said),
      "/v1/audio/transcriptions",
    ),
  ];
}

/** Of a status that is no success, and beside the body. */
function otherForms(): AnswerForm[] {
  const form = (name: string, speech: AnswerForm["speech"], path = CHAT): AnswerForm => ({ name, path, speech });
  const error = (said: string): Json => ({
    error: { message: `no: ${said}`, type: "invalid_request_error", code: null },
  });
  return [
    ...[400, 404, 413, 422].flatMap((status) => [
      form(`a ${status} of a chat`, (said) => whole(error(said), { status })),
      form(`a ${status} of an own path`, (said) => whole(error(said), { status }), OWN),
    ]),
    form("a 500 of an own path", (said) => whole(error(said), { status: 500 }), OWN),
    form("a 501 of a chat", (said) => whole(error(said), { status: 501 })),
    form("an error that repeats the input", (said) =>
      whole({ detail: [{ loc: ["body"], msg: "x", input: { messages: [said] } }] }, { status: 422 }),
    ),
    form("an error in a success", (said) => whole(error(said))),
    form("an error in a success, with its status", (said) => whole({ error: { message: said, code: 400 } })),
    form("an error as the first event", (said) => stream(data({ error: { message: said, code: 400 } }))),
    form(
      "a 400 of messages",
      (said) => whole({ type: "error", error: { type: "invalid_request_error", message: said } }, { status: 400 }),
      MESSAGES,
    ),
    form("a 429", (said) => whole(error(said), { status: 429, headers: { "retry-after": "1" } })),
    form("a 503", (said) => whole(error(said), { status: 503 })),
    form("a context that is too long", (said) =>
      whole(
        { error: { message: `This model's maximum context length is 10 tokens. ${said}`, code: 400 } },
        { status: 400 },
      ),
    ),
    form("a 204 with a header", (said) => ({ status: 204, headers: { "x-note": said }, pieces: [] }), OWN),
    form(
      "a redirect",
      (said) => ({ status: 302, headers: { location: `https://a.example/${said}`, "x-note": said }, pieces: [] }),
      OWN,
    ),
    form("an answer to what was asked with a header of its own", (said) => ({
      ...chatWhole({}),
      headers: { "x-request-id": said, "server-timing": `a;desc="${said}"`, "x-warmpath-note": said },
    })),
    form("an error that is text", (said) => ({ contentType: "text/plain", status: 400, pieces: [said] })),
    form("an error that is a page", (said) => ({ contentType: "text/html", status: 400, pieces: [`<p>${said}</p>`] })),
    form("an error as an event", (said) => ({ status: 400, pieces: [data(error(said))] })),
    form("an error with escapes", (said) => whole(`{"error":{"message":"${escaped(said)}"}}`, { status: 400 })),
    form("a header", (said) => ({ ...chatWhole({}), headers: { "x-note": said } })),
    form("a header's base64", (said) => ({ ...chatWhole({}), headers: { "x-note": base64(said) } })),
    form("a header of a stream", (said) => ({ ...chatSpeech(), headers: { "x-note": said } })),
    form("a header of an error", (said) => ({ ...whole(error("x"), { status: 400 }), headers: { "x-note": said } })),
    form("a header's name", (said) => ({ ...chatWhole({}), headers: { [`x-${said}`]: "1" } })),
    form("etag", (said) => ({ ...chatWhole({}), headers: { etag: `"${said}"` } })),
    form("link", (said) => ({ ...chatWhole({}), headers: { link: `<https://a.example/?q=${said}>; rel=next` } })),
    form("a type's parameter", (said) => ({ ...chatWhole({}), contentType: `application/json; note="${said}"` })),
  ];
}

function entries(places: Places): readonly (readonly [string, (said: string) => Json])[] {
  return Object.entries(places);
}

export const ANSWER_FORMS: readonly AnswerForm[] = [
  ...chatForms(),
  ...completionForms(),
  ...responsesForms(),
  ...messagesForms(),
  ...ownForms(),
  ...otherForms(),
];

/** Could whoever reads this answer, in any way that readers have, find the text in it. */
export function reveals(body: Buffer, headers: Readonly<Record<string, unknown>>, said: string): boolean {
  const texts = [
    body.toString("utf8"),
    body.toString("utf16le"),
    body.subarray(2).toString("utf16le"),
    JSON.stringify(headers),
  ];
  const events = (texts[0] ?? "")
    .split(/\r\n\r\n|\n\n|\r\r/)
    .map((event) => event.replaceAll(/^(?:data|id|:)?:? ?/gm, ""));
  texts.push(events.join(""), ...joinedMembers([texts[0] ?? "", ...events]));
  const shown = texts.flatMap((text) => [text, unescaped(text)]).flatMap((text) => [text, ...decoded(text)]);
  return shown.some((text) => text.toLowerCase().includes(said.toLowerCase()));
}

const unescaped = (text: string): string =>
  text
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

const decoded = (text: string): readonly string[] =>
  (text.match(/[A-Za-z0-9+/]{16,}={0,2}/g) ?? []).map((run) => Buffer.from(run, "base64").toString("latin1"));

/** What stands at one place, of all values one behind the other: strings as they are, lists of numbers as bytes. */
function joinedMembers(texts: readonly string[]): readonly string[] {
  const byPlace = new Map<string, string>();
  const add = (place: string, text: string): void => void byPlace.set(place, (byPlace.get(place) ?? "") + text);
  const walk = (value: unknown, place: string): void => {
    if (typeof value === "string") add(place, value);
    if (typeof value !== "object" || value === null) return;
    if (Array.isArray(value) && value.every((item) => typeof item === "number" && item < 256))
      add(place, Buffer.from(value as number[]).toString());
    const { index } = value as { index?: unknown };
    for (const [name, inner] of Object.entries(value)) {
      if (!Array.isArray(value)) add(`${place} names`, name);
      walk(inner, `${place}.${Array.isArray(value) ? "" : name}${typeof index === "number" ? index : ""}`);
    }
  };
  for (const text of texts) {
    for (const line of [text, ...text.split("\n")]) {
      try {
        walk(JSON.parse(line), "");
      } catch {
        // Only what is JSON has members.
      }
    }
  }
  return [...byPlace.values()];
}
