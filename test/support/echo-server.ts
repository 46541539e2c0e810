/**
 * An endpoint whose answers quote what it was sent, and a receiver of webhooks: what leaks of one is found by its words.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type EchoServer = {
  readonly url: string;
  /** Bodies of `POST /hook`, in order. */
  readonly hooks: string[];
  /** Of the next answers to anything else. */
  status: number;
  /** What receivers answer; null: they hang. */
  hookStatus: number | null;
  close(): Promise<void>;
};

export async function startEchoServer(): Promise<EchoServer> {
  const hanging = new Set<ServerResponse>();
  const made: EchoServer = { url: "", hooks: [], status: 200, hookStatus: 200, close: async () => undefined };
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      if (request.method === "GET") return response.writeHead(200).end("ok");
      if (request.url?.startsWith("/hook") === true) {
        made.hooks.push(body);
        if (made.hookStatus === null) return hanging.add(response);
        return response.writeHead(made.hookStatus).end();
      }
      const said = made.status < 300 ? answerOf(request.url ?? "", body) : { error: { message: `cannot do ${body}` } };
      return response.writeHead(made.status, { "content-type": "application/json" }).end(JSON.stringify(said));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(made, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const response of hanging) response.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function answerOf(path: string, body: string): object {
  if (!path.startsWith("/v1/chat")) return { output: { echo: body } };
  const message = { role: "assistant", content: `you said ${body}` };
  return { id: "x", object: "chat.completion", choices: [{ index: 0, message, finish_reason: "stop" }] };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
