/** A server that answers as a test says, and tells what it was asked; closed after each test. */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createNetServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { afterEach } from "vitest";

type Asked = { readonly method: string; readonly url: string; readonly authorization: string | null };

export type OddServer = { readonly url: string; readonly asked: readonly Asked[] };

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map(async (close) => close()));
});

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const closed = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

export async function startOddServer(handler: Handler): Promise<OddServer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    asked.push({ method, url, authorization: headers.authorization ?? null });
    handler(request, response);
  });
  closing.push(async () => {
    server.closeAllConnections();
    await closed(server);
  });
  return { url: await listen(server), asked };
}

/** Always this status and body. */
export const startAnswering = (status: number, body = "", headers: Record<string, string> = {}): Promise<OddServer> =>
  startOddServer((_, response) => response.writeHead(status, headers).end(body));

/** Speaks something else than HTTP. */
export async function startGibberish(): Promise<string> {
  const server = createNetServer((socket) => {
    socket.write("220 mail.example ESMTP\r\n\r\n", () => socket.destroySoon());
    // The other side may hang up first.
    socket.on("error", () => {});
  });
  closing.push(async () => closed(server));
  return listen(server);
}

/** A port on which nobody listens: it was free a moment ago. */
export async function refusedUrl(): Promise<string> {
  const server = createNetServer();
  const url = await listen(server);
  await closed(server);
  return url;
}
