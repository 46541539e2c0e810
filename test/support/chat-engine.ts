/**
 * An engine that speaks chat completions and nothing else, as vLLM writes them: it does what the last text of the user
 * says, and remembers what it was asked. Other paths are the 404 of its framework.
 */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Part = { readonly type: string; readonly text?: string; readonly image_url?: { readonly url: string } };

type ChatBody = {
  readonly model: string;
  readonly stream?: boolean;
  readonly messages: readonly {
    readonly role: string;
    readonly content: string | readonly Part[] | null;
    readonly [member: string]: unknown;
  }[];
  readonly stream_options?: { readonly continuous_usage_stats?: boolean };
  readonly [member: string]: unknown;
};

export type ChatEngine = {
  readonly url: string;
  /** Bodies of chat completions, last first. */
  readonly asked: ChatBody[];
  /** Paths of all POST requests, last first. */
  readonly paths: string[];
  /** Streams that the other side gave up. */
  gaveUp(): number;
  close(): Promise<void>;
};

/** What it says of a city in the form of a schema. */
export const CITY = '{"city":"Oslo","celsius":21}';

const PROMPT_TOKENS = 42;
const CACHED_TOKENS = 10;

type Piece = { readonly delta: object; readonly finish?: string; readonly stop?: string };

const text = (content: string): Piece => ({ delta: { content } });

const call = (index: number, id: string, name: string, args: readonly string[]): readonly Piece[] => [
  { delta: { tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] } },
  ...args.map((piece) => ({ delta: { tool_calls: [{ index, function: { arguments: piece } }] } })),
];

/** By a word of the last message. */
const SCRIPTS: Readonly<Record<string, readonly Piece[]>> = {
  hello: [text("Good "), text("morning, "), text("ü 🎈."), { delta: {}, finish: "stop" }],
  think: [
    { delta: { reasoning_content: "Let me " } },
    { delta: { reasoning_content: "see." } },
    text("Four."),
    { delta: {}, finish: "stop" },
  ],
  weather: [
    text("I look."),
    ...call(0, "call_a", "weather", ['{"city":', '"Oslo"}']),
    ...call(1, "call_b", "weather", ['{"city":"Bergen"}']),
    { delta: {}, finish: "tool_calls" },
  ],
  patch: [
    ...call(0, "call_p", "apply_patch", ['{"input":"*** Begin', '\\n*** End"}']),
    { delta: {}, finish: "tool_calls" },
  ],
  long: [text("so much"), { delta: {}, finish: "length" }],
  // What the tests of output rails look for, over two pieces.
  ticket: [text("See TC"), text("K-1234 there."), { delta: {}, finish: "stop" }],
  halt: [text("until"), { delta: {}, finish: "stop", stop: "END" }],
};

const says = (content: string): readonly Piece[] => [text(content), { delta: {}, finish: "stop" }];

/** By a word of the last message of the user, where the answer lies in the request. Undefined: as if nothing were there. */
const ASKED: Readonly<Record<string, (body: ChatBody) => readonly Piece[] | undefined>> = {
  /** What the tools have answered. */
  weather({ messages }) {
    const results = messages.filter(({ role }) => role === "tool").map(({ content }) => textOf(content));
    return results.length === 0 ? undefined : says(`Seen: ${results.join("; ")}.`);
  },
  /** An object of the schema that is asked for, as an answer or as the arguments of the one tool that must be called. */
  city({ response_format: format, tools, tool_choice: choice }) {
    if ((format as { type?: string } | undefined)?.type === "json_schema") return says(CITY);
    const tool = (tools as { function: { name: string } }[] | undefined)?.[0]?.function.name;
    if (tool === undefined || choice === undefined || choice === "auto") return undefined;
    return [...call(0, "call_c", tool, [CITY]), { delta: {}, finish: "tool_calls" }];
  },
  /** Of which type the picture is, and the beginning of its hash. */
  picture({ messages }) {
    const parts = messages.flatMap(({ content }) => (Array.isArray(content) ? (content as readonly Part[]) : []));
    const url = parts.find(({ type }) => type === "image_url")?.image_url?.url ?? "";
    const [, type = "", data = ""] = /^data:([^;,]*);base64,(.*)$/s.exec(url) ?? [];
    if (data === "") return undefined;
    return says(
      `I see ${type} ${createHash("sha256").update(Buffer.from(data, "base64")).digest("hex").slice(0, 12)}.`,
    );
  },
};

export async function startChatEngine(model = "test-model"): Promise<ChatEngine> {
  const asked: ChatBody[] = [];
  const paths: string[] = [];
  let gaveUp = 0;
  const server = createServer((request, response) => {
    void handle(request, response).catch(() => response.destroy());
  });
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let raw = "";
    for await (const chunk of request.setEncoding("utf8")) raw += chunk as string;
    if (request.url === "/health") return void response.end("ok");
    if (request.method === "POST") paths.unshift(request.url ?? "");
    if (request.url === "/tokenize") return void json(response, 200, { count: PROMPT_TOKENS, max_model_len: 4_096 });
    if (request.url !== "/v1/chat/completions") return void json(response, 404, { detail: "Not Found" });
    const body = JSON.parse(raw) as ChatBody;
    asked.unshift(body);
    if (body.model !== model)
      return void json(response, 404, refusal(404, `The model \`${body.model}\` does not exist.`));
    const wish = wishOf(body);
    if (wish === "refuse") return void json(response, 400, refusal(400, "temperature must be at most 2"));
    if (wish === "busy") return void json(response, 429, refusal(429, "the queue is full"));
    const script = ASKED[wish]?.(body) ?? SCRIPTS[wish] ?? SCRIPTS["hello"] ?? [];
    if (body.stream !== true) return void json(response, 200, whole(body, script));
    response.once("close", () => {
      if (!response.writableEnded) gaveUp += 1;
    });
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    await stream(response, body, script, wish);
  }
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    paths,
    gaveUp: () => gaveUp,
    close: () =>
      new Promise((settle) => {
        server.close(() => settle());
        server.closeAllConnections();
      }),
  };
}

function wishOf({ messages }: ChatBody): string {
  const said = textOf(messages.findLast(({ role }) => role === "user")?.content ?? "");
  return said.trim().split(/\s+/).at(-1) ?? "";
}

const textOf = (content: string | readonly Part[] | null): string =>
  typeof content === "string" ? content : (content ?? []).flatMap(({ text: words }) => words ?? []).join(" ");

async function stream(response: ServerResponse, body: ChatBody, script: readonly Piece[], wish: string): Promise<void> {
  const isCounting = body.stream_options?.continuous_usage_stats === true;
  const write = (value: unknown) =>
    new Promise<void>((settle) => response.write(`data: ${JSON.stringify(value)}\n\n`, () => setImmediate(settle)));
  const usageAt = (output: number) => (isCounting ? { usage: usage(output) } : {});
  await write({ ...head(body), ...choice({ delta: { role: "assistant", content: "" } }), ...usageAt(0) });
  for (const [index, piece] of script.entries()) {
    if (index === 2 && wish === "drip") return drip(response, () => write({ ...head(body), ...choice(text(".")) }));
    if (index === 2 && wish === "error") {
      await write({ error: { message: "the engine is out of memory", type: "InternalServerError", code: 500 } });
      return void response.end("data: [DONE]\n\n");
    }
    if (index === 2 && wish === "close") return void response.end();
    if (index === 2 && wish === "break") return void response.destroy();
    await write({ ...head(body), ...choice(piece), ...usageAt(index + 1) });
  }
  await write({ ...head(body), choices: [], usage: usage(script.length) });
  response.end("data: [DONE]\n\n");
}

/** Writes on until nobody reads any more. */
async function drip(response: ServerResponse, write: () => Promise<void>): Promise<void> {
  while (!response.destroyed) {
    await write();
    await new Promise((settle) => setTimeout(settle, PACE_MS));
  }
}

const PACE_MS = 5;

const head = ({ model }: ChatBody) => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model,
});

const choice = ({ delta, finish, stop }: Piece) => ({
  choices: [{ index: 0, delta, finish_reason: finish ?? null, stop_reason: stop ?? null }],
});

const usage = (output: number) => ({
  prompt_tokens: PROMPT_TOKENS,
  completion_tokens: output,
  total_tokens: PROMPT_TOKENS + output,
  prompt_tokens_details: { cached_tokens: CACHED_TOKENS },
});

type Call = { id: string; type: string; function: { name: string; arguments: string } };

function whole(body: ChatBody, script: readonly Piece[]): object {
  let content = "";
  let reasoning = "";
  const calls: Call[] = [];
  for (const { delta } of script) {
    const said = delta as {
      content?: string;
      reasoning_content?: string;
      tool_calls?: { index: number; id?: string; function: { name?: string; arguments: string } }[];
    };
    content += said.content ?? "";
    reasoning += said.reasoning_content ?? "";
    for (const { index, id = "", function: made } of said.tool_calls ?? []) {
      const known = (calls[index] ??= { id, type: "function", function: { name: made.name ?? "", arguments: "" } });
      known.function.arguments += made.arguments;
    }
  }
  const last = script.at(-1);
  const message = {
    role: "assistant",
    content: content === "" ? null : content,
    reasoning_content: reasoning === "" ? null : reasoning,
    tool_calls: calls,
  };
  return {
    ...head(body),
    object: "chat.completion",
    choices: [{ index: 0, message, finish_reason: last?.finish, stop_reason: last?.stop ?? null }],
    usage: usage(script.length),
  };
}

const json = (response: ServerResponse, status: number, value: unknown) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));

const refusal = (code: number, message: string) => ({ error: { message, type: "BadRequestError", param: null, code } });
