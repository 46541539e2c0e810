/**
 * One HTTP request and the only way to answer it, so that a fault can cut any answer at any byte.
 *
 * `gone` fires once, whoever ended the connection early; only the client's leave counts as aborted. Rejected: faults
 * inside the routes, where each new route could forget one.
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";

export type Exchange = {
  readonly req: IncomingMessage;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly requestId: string;
  /** Aborted when the connection ended before the answer did. */
  readonly gone: AbortSignal;
  readonly reply: Reply;
};

type Reply = {
  header(name: string, value: string): void;
  /** Sends the headers at once, as Starlette does, before there is a body. */
  start(status: number, headers: OutgoingHttpHeaders): void;
  write(bytes: Buffer | string): void;
  end(): void;
  /** A whole answer. */
  send(status: number, headers: OutgoingHttpHeaders, body: Buffer | string): void;
  json(status: number, body: unknown, headers?: OutgoingHttpHeaders): void;
  /** Cuts the connection: `reset` drops it, otherwise what was written is delivered first. */
  kill(how: "reset" | "flush"): void;
  /** Body bytes after which the connection is cut; set before the answer starts. */
  dieAfter(bodyBytes: number): void;
};

export function openExchange(options: {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly fallbackId: string;
  /** Called once, when the answer or the connection has ended. `hasBody`: some of the answer's body was sent. */
  readonly onClosed: (how: "finished" | "client_left" | "killed", hasBody: boolean) => void;
}): Exchange {
  const { req, res } = options;
  const url = new URL(req.url ?? "/", "http://simulator");
  const sentId = req.headers["x-request-id"];
  const requestId = typeof sentId === "string" && sentId !== "" ? sentId : options.fallbackId;
  const gone = new AbortController();
  let killed = false;
  let hasBody = false;
  res.setHeader("x-request-id", requestId);
  res.on("close", () => {
    // A killed answer may have been written to its end: it still ended early.
    const finished = res.writableFinished && !killed;
    options.onClosed(killed ? "killed" : finished ? "finished" : "client_left", hasBody);
    if (!finished) gone.abort();
  });
  const reply = createReply(res, {
    onBody() {
      hasBody = true;
    },
    onKill() {
      killed = true;
      gone.abort();
    },
  });
  return { req, path: url.pathname, query: url.searchParams, requestId, gone: gone.signal, reply };
}

function createReply(res: ServerResponse, on: { readonly onBody: () => void; readonly onKill: () => void }): Reply {
  let bytesLeft = Infinity;
  let dead = false;
  const kill = (how: "reset" | "flush"): void => {
    if (dead) return;
    dead = true;
    const { socket } = res;
    if (how === "reset") socket?.resetAndDestroy();
    else socket?.destroySoon();
    on.onKill();
  };
  const start = (status: number, headers: OutgoingHttpHeaders): void => {
    if (dead) return;
    res.writeHead(status, headers);
    res.flushHeaders();
    if (bytesLeft === 0) kill("flush");
  };
  const write = (bytes: Buffer | string): void => {
    if (dead || res.destroyed) return;
    const chunk = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    if (chunk.length === 0) return;
    on.onBody();
    res.write(chunk.subarray(0, bytesLeft));
    bytesLeft -= chunk.length;
    if (bytesLeft <= 0) kill("flush");
  };
  const end = (): void => {
    if (!dead) res.end();
  };
  const send = (status: number, headers: OutgoingHttpHeaders, body: Buffer | string): void => {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    if (dead) return;
    res.writeHead(status, { ...headers, "content-length": bytes.length });
    if (bytesLeft === 0) {
      res.flushHeaders();
      kill("flush");
    }
    write(bytes);
    end();
  };
  return {
    header: (name, value) => void res.setHeader(name, value),
    start,
    write,
    end,
    send,
    json: (status, body, headers = {}) =>
      send(status, { "content-type": "application/json", ...headers }, JSON.stringify(body)),
    kill,
    dieAfter(bodyBytes) {
      bytesLeft = bodyBytes;
    },
  };
}

/** The whole body; `too_large` beyond the limit; `gone` when the client left while sending. */
export async function readBody(req: IncomingMessage, bytesMax: number): Promise<Buffer | "too_large" | "gone"> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false })) {
      const part = chunk as Buffer;
      bytes += part.length;
      if (bytes > bytesMax) return "too_large";
      chunks.push(part);
    }
  } catch {
    // The only error of a request stream is that its connection ended.
    return "gone";
  }
  return Buffer.concat(chunks);
}
