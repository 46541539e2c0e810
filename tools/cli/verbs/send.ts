/** `warmpath send`: one question to a model, by the router, as a client would ask it; the answer as it comes. */
import type { Command } from "commander";
import { createSseDecoder, push } from "../../../src/lib/sse.ts";
import { type Io, Trouble } from "./io.ts";
import { askOperator, askRaw, refused, type RouterOptions, routerUrl, withRouter } from "./operator.ts";

/** A cold start and a long answer. */
const SEND_MS_MAX = 600_000;

type Options = RouterOptions & { readonly model?: string; readonly json?: boolean; readonly maxTokens?: string };

export function addSend(program: Command, io: Io): void {
  withRouter(program.command("send"))
    .argument("<prompt...>", "what to say")
    .description("one question to a model by the router; the answer goes to stdout as it comes")
    .option("--model <name>", "the model (default: the first that /v1/models lists)")
    .option("--max-tokens <n>", "the longest answer")
    .option("--json", "the whole answer as JSON, not as it comes")
    .action((words: readonly string[], options: Options) => send(io, words.join(" "), options));
}

async function send(io: Io, prompt: string, options: Options): Promise<void> {
  const model = options.model ?? (await firstModel(io, options));
  const isStream = options.json !== true;
  const body = {
    model,
    messages: [{ role: "user", content: prompt }],
    stream: isStream,
    ...(options.maxTokens === undefined ? {} : { max_tokens: Number(options.maxTokens) }),
  };
  const startedAtMs = performance.now();
  const ask = { method: "POST", path: "/v1/chat/completions", body } as const;
  const response = await askRaw(io, options, ask, AbortSignal.timeout(SEND_MS_MAX));
  if (!response.ok) throw refused(routerUrl(io, options), response.status, await response.text());
  if (!isStream) io.out(JSON.stringify(await response.json(), null, 2));
  else await printStream(io, response);
  const took = Math.round(performance.now() - startedAtMs);
  const header = (name: string): string => response.headers.get(`x-warmpath-${name}`) ?? "not told";
  io.err(`${model} at ${header("endpoint")} (${header("reason")}), ${took} ms`);
}

async function firstModel(io: Io, options: Options): Promise<string> {
  const { data = [] } = (await askOperator(io, options, { path: "/v1/models" })) as { data?: { id: string }[] };
  const [first] = data;
  if (first === undefined)
    throw new Trouble("no_model", "the router serves no model to this key", "name one with --model");
  return first.id;
}

type Chunk = {
  readonly error?: { readonly message?: string; readonly code?: string };
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[];
};

/** Throws `Trouble` for a stream that breaks off: what came until then has been printed. */
async function printStream(io: Io, response: Response): Promise<void> {
  const decoder = createSseDecoder();
  const text = new TextDecoder();
  let isDone = false;
  for await (const bytes of response.body ?? []) {
    const events = push(decoder, text.decode(bytes, { stream: true }));
    if (!events.ok) throw new Trouble("bad_stream", "an event of the stream is too large to read");
    for (const { data } of events.value) {
      if (data === "[DONE]") isDone = true;
      else io.write(wordsOf(JSON.parse(data) as Chunk));
    }
  }
  io.write("\n");
  if (!isDone) throw new Trouble("stream_cut", "the stream broke off before its end");
}

function wordsOf({ error, choices = [] }: Chunk): string {
  if (error !== undefined)
    throw new Trouble(error.code ?? "stream_error", error.message ?? "the stream ended with an error");
  return choices.map(({ delta }) => delta?.content ?? "").join("");
}
