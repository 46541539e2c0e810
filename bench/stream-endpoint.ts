/**
 * The endpoint of the benchmark of streams, as a process of its own: writes bytes made beforehand, a chunk at a time.
 */
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { INTERVAL_MS, streamChunks } from "./stream-traffic.ts";

const chunks = streamChunks();

const server = createServer((request, response) => {
  request.resume();
  if (request.method === "GET") response.writeHead(200, { "content-length": "0" }).end();
  else request.once("end", () => stream(response));
});

function stream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  let sent = 0;
  const timer = setInterval(next, INTERVAL_MS);
  function next(): void {
    response.write(chunks[sent]);
    sent += 1;
    if (sent < chunks.length) return;
    clearInterval(timer);
    response.end();
  }
  next();
  response.once("close", () => clearInterval(timer));
}

// A gateway's idle connection must outlive the other contenders' rounds.
server.keepAliveTimeout = 300_000;
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("disconnect", () => process.exit());
