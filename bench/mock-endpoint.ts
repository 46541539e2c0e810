/**
 * The endpoint behind both contenders, as a process of its own: answers from bytes made beforehand, so that what is
 * measured is the gateway. The GPU simulator models a GPU and is far too slow for that.
 *
 * A body with `"stream":true` gets server-sent events, the first at once; how many and how far apart is its own member
 * `mock_stream`, which every gateway passes on like any parameter that it does not know.
 */
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { EVENT_BYTES, JSON_ANSWER, STREAM_END } from "./traffic.ts";

const STREAM = /"stream":true/;
const PACE = /"mock_stream":\{"chunks":(\d+),"intervalMs":(\d+)\}/;

const server = createServer((request, response) => {
  if (request.method === "GET") {
    response.writeHead(200, { "content-length": "0" }).end();
    return;
  }
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => answer(Buffer.concat(chunks).toString("latin1"), response));
});

const answerBytes = Buffer.from(JSON_ANSWER);

function answer(body: string, response: ServerResponse): void {
  if (STREAM.test(body)) {
    const [, count = "1", intervalMs = "1"] = PACE.exec(body) ?? [];
    stream(response, Number(count), Number(intervalMs));
    return;
  }
  response.writeHead(200, { "content-type": "application/json", "content-length": answerBytes.length });
  response.end(answerBytes);
}

function stream(response: ServerResponse, count: number, intervalMs: number): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(EVENT_BYTES);
  let left = count - 1;
  const timer = setInterval(() => {
    left -= 1;
    if (left >= 0) response.write(EVENT_BYTES);
    if (left > 0) return;
    clearInterval(timer);
    response.end(STREAM_END);
  }, intervalMs);
  response.once("close", () => clearInterval(timer));
}

// A gateway's idle connection must outlive the other contender's rounds.
server.keepAliveTimeout = 300_000;
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("disconnect", () => process.exit());
