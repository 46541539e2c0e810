/**
 * A GPU server that speaks WebSocket, as a process of its own on the `ws` package: so that it can be killed in the middle.
 *
 * `/echo` says back what it hears; "close 4001 why" and "close" make it close, "flood 1000" sends a kilobyte a thousand times,
 * "garble" makes it send what is no frame.
 * `/v1/realtime` speaks enough of OpenAI's Realtime for a client of it. `/refuse/503` answers with that status.
 */
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { RawData, WebSocket } from "ws";

const known = process.argv[2]?.split(",") ?? [];
const server = createServer((request, response) => {
  if (request.url === "/health") response.end("ok");
  else if (request.url === "/seen") response.end(JSON.stringify({ asked, closed, open: sockets.clients.size }));
  else response.writeHead(404, { "content-type": "application/json" }).end('{"detail":"Not Found"}');
});
const sockets = new WebSocketServer({
  noServer: true,
  maxPayload: 256 * 1024 * 1024,
  handleProtocols: (offered) => [...offered].find((one) => known.includes(one)) ?? false,
});
const asked: { path: string; headers: IncomingMessage["headers"] }[] = [];
const closed: { code: number; reason: string }[] = [];

server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
  const { url = "", headers } = request;
  asked.push({ path: url, headers });
  const [, status] = /^\/refuse\/(\d+)/.exec(url) ?? [];
  if (status !== undefined) {
    socket.end(`HTTP/1.1 ${status} No\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n{"error":"not"}`);
    return;
  }
  sockets.handleUpgrade(request, socket, head, (opened) => {
    opened.on("close", (code, reason) => closed.push({ code, reason: reason.toString() }));
    if (url.startsWith("/v1/realtime")) speak(opened, url);
    else
      opened.on("message", (data, isBinary) => {
        if (!isBinary && textOf(data) === "garble") socket.write(Buffer.from([0xf3, 0x01, 0x61]));
        else echo(opened, data, isBinary);
      });
  });
});

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.from(data as ArrayBuffer).toString();
}

function echo(socket: WebSocket, data: RawData, isBinary: boolean): void {
  const words = isBinary ? [] : textOf(data).split(" ");
  const [word, number, ...rest] = words;
  if (word === "close") return number === undefined ? socket.close() : socket.close(Number(number), rest.join(" "));
  if (word === "flood") {
    for (let sent = 0; sent < Number(number); sent += 1) socket.send("x".repeat(1_024));
    return;
  }
  socket.send(data, { binary: isBinary });
}

function speak(socket: WebSocket, url: string): void {
  const tell = (event: object): void => socket.send(JSON.stringify(event));
  const model = new URL(url, "http://here").searchParams.get("model");
  tell({ type: "session.created", event_id: "event_1", session: { type: "realtime", id: "sess_1", model } });
  socket.on("message", (data) => {
    const { type } = JSON.parse(textOf(data)) as { readonly type: string };
    if (type === "session.update")
      tell({ type: "session.updated", event_id: "event_2", session: { id: "sess_1", model } });
    if (type !== "response.create") return;
    const response = { id: "resp_1", object: "realtime.response", status: "in_progress", output: [] };
    tell({ type: "response.created", event_id: "event_3", response });
    for (const delta of ["Hello", ", ", "world"]) {
      const at = { response_id: "resp_1", item_id: "item_1", output_index: 0, content_index: 0 };
      tell({ type: "response.output_text.delta", event_id: "event_4", ...at, delta });
    }
    const usage = { total_tokens: 9, input_tokens: 6, output_tokens: 3, input_token_details: { cached_tokens: 2 } };
    tell({ type: "response.done", event_id: "event_5", response: { ...response, status: "completed", usage } });
  });
}

server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
