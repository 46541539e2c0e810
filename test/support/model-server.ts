/**
 * A tiny OpenAI-compatible server, as a newcomer may have one: it says a few words, one after the other, at its own
 * pace.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type ModelServer = {
  readonly url: string;
  readonly port: number;
  /** Answers under way. */
  open(): number;
  /** Answers that were asked for. */
  asked(): number;
  /** Lets every answer that is held go on to its end. */
  goOn(): void;
  close(): Promise<void>;
};

export type ModelPlan = {
  readonly words?: readonly string[];
  /** Streams stay open after their first word until `goOn`. Default false. */
  readonly holds?: boolean;
  /** Status of every answer but health's. Default 200. */
  readonly status?: number;
  /** Sent as the answer to a job or a whole completion, in place of the words. */
  readonly answer?: string;
};

export async function startModelServer(plan: ModelPlan = {}): Promise<ModelServer> {
  const { words = ["warm", " path"], holds = false, status = 200, answer } = plan;
  let asked = 0;
  let open = 0;
  let release: () => void = () => undefined;
  let released = new Promise<void>((settle) => (release = settle));
  const server = createServer((request, response) => {
    void handle(request, response).catch(() => response.destroy());
  });
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk as string;
    if (request.url === "/health") return void response.end("ok");
    if (status !== 200) return void response.writeHead(status).end("{}");
    if (request.url === "/v1/models") return void json(response, JSON.stringify({ object: "list", data: [] }));
    // What a shard asks of an engine beside its health: this one tells nothing of its load.
    if (request.method === "GET") return void response.writeHead(404).end("{}");
    asked += 1;
    open += 1;
    response.once("close", () => (open -= 1));
    if ((JSON.parse(body) as { stream?: boolean }).stream !== true) {
      if (holds) await released;
      return void json(response, answer ?? whole(words.join("")));
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const [index, word] of words.entries()) {
      response.write(event({ content: word }, null));
      if (index === 0 && holds) await released;
    }
    response.write(event({}, "stop"));
    response.end("data: [DONE]\n\n");
  }
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    open: () => open,
    asked: () => asked,
    goOn() {
      release();
      released = new Promise<void>((settle) => (release = settle));
    },
    close: () =>
      new Promise((settle) => {
        server.close(() => settle());
        server.closeAllConnections();
      }),
  };
}

const json = (response: ServerResponse, text: string) =>
  response.writeHead(200, { "content-type": "application/json" }).end(text);

const envelope = { id: "chatcmpl-1", created: 1, model: "m" };

const event = (delta: object, finish: string | null): string =>
  `data: ${JSON.stringify({ ...envelope, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

const whole = (content: string): string =>
  JSON.stringify({
    ...envelope,
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  });
