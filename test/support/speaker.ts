/** An HTTP endpoint that says exactly what a test wants, in exactly the pieces that it wants. */
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Speech = {
  /** Default 200. */
  readonly status?: number;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Each becomes a chunk of its own. */
  readonly pieces: readonly (string | Buffer)[];
  /** `hold`: the connection stays open after the last piece, until the other side closes it. Default `end`. */
  readonly ending?: "end" | "hold" | "reset";
};

export type Speaker = {
  readonly url: string;
  /** Answers every request that has this value in the header `x-speech`. */
  say(name: string, speech: Speech): void;
  /** Bodies of requests that came, last first. */
  heard(): readonly string[];
  /** What the last request said it accepts. */
  acceptEncoding(): string | undefined;
  /** Answers that the other side gave up. */
  aborted(): number;
  close(): Promise<void>;
};

export async function startSpeaker(): Promise<Speaker> {
  const speeches = new Map<string, Speech>();
  const heard: string[] = [];
  let acceptEncoding: string | undefined;
  let aborted = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const speech = speeches.get(String(request.headers["x-speech"]));
      if (request.method === "GET" || speech === undefined) {
        response.writeHead(request.method === "GET" ? 200 : 404, { "content-length": "0" }).end();
        return;
      }
      heard.unshift(Buffer.concat(chunks).toString());
      acceptEncoding = request.headers["accept-encoding"]?.toString();
      response.once("close", () => {
        if (!response.writableEnded && speech.ending !== "reset") aborted += 1;
      });
      void speak(response, speech);
    });
  });
  // One packet for each piece.
  server.on("connection", (socket) => socket.setNoDelay(true));
  server.keepAliveTimeout = 300_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    say: (name, speech) => void speeches.set(name, speech),
    heard: () => heard,
    acceptEncoding: () => acceptEncoding,
    aborted: () => aborted,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function speak(
  response: ServerResponse,
  { status = 200, contentType, headers, pieces, ending = "end" }: Speech,
): Promise<void> {
  response.writeHead(status, { "content-type": contentType ?? "text/event-stream", ...headers });
  for (const piece of pieces) {
    if (response.destroyed) return;
    await new Promise<void>((resolve) => response.write(piece, () => setImmediate(resolve)));
  }
  if (ending === "end") response.end();
  if (ending === "reset") response.destroy();
}
