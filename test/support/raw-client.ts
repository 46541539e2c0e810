/**
 * An HTTP client that hides nothing: how an answer ended, every byte that came before, and the ways in which a client
 * can leave. `fetch` retries, decodes and turns a broken answer into an exception without its bytes.
 */
import { request as httpRequest } from "node:http";
import type { ClientRequest, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { createParser } from "eventsource-parser";

export type RawAnswer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** False when the connection ended before the answer did. */
  readonly whole: boolean;
};

export type RawExchange = {
  readonly request: ClientRequest;
  /** Rejects when the connection ended without a status. */
  readonly answer: Promise<RawAnswer>;
  /** The body so far. */
  received(): Buffer;
  /**
   * `close` is how most clients leave: a server cannot tell it from a client that only waits. `reset` tells at once.
   */
  leave(how: "close" | "reset"): void;
};

export type RawOptions = {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  /** Without one the caller writes to `request` and ends it: then the body is chunked. */
  readonly body?: string | Buffer | undefined;
  /** Called with the length of the body so far, each time more of it has come. */
  readonly onProgress?: (bytes: number) => void;
};

/** Sends one request on a connection of its own. */
export function rawCall(url: string, options: RawOptions = {}): RawExchange {
  const { method = "GET", headers = {}, body, onProgress } = options;
  const chunks: Buffer[] = [];
  let bytes = 0;
  const { promise: answer, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const request = httpRequest(url, { method, headers, agent: false });
  request.on("error", reject);
  request.on("response", (response) => {
    const finish = (whole: boolean): void => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks), whole });
    };
    response.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      onProgress?.(bytes);
    });
    response.on("end", () => finish(true));
    response.on("error", () => finish(false));
  });
  // Who left does not wait for an answer.
  answer.catch(() => {});
  if (body !== undefined) request.end(body);
  return {
    request,
    answer,
    received: () => Buffer.concat(chunks),
    leave(how) {
      if (how === "reset") request.socket?.resetAndDestroy();
      else request.destroy();
    },
  };
}

/** The data of every event that a client would be given, by a parser that is not ours. */
export function eventData(body: Buffer | string): string[] {
  const data: string[] = [];
  const parser = createParser({ onEvent: (event) => data.push(event.data) });
  parser.feed(body.toString());
  return data;
}
