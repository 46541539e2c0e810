/**
 * One user's kept-alive connection: just enough HTTP/1.1 over a raw socket to send the same bytes again and again and
 * to know when an answer is whole.
 *
 * Rejected: `fetch` and `node:http`, which cost several times as much CPU, on a machine whose two cores the gateway and
 * the mocks need too.
 */
import { connect } from "node:net";
import type { Socket } from "node:net";

/** An answer that takes longer counts as failed, ms: twice the p99 of the slowest server that was published. */
const ANSWER_MS_MAX = 100_000;

/** Characters of a wrong answer that are shown. */
const PROBLEM_CHARS_MAX = 300;

type Answer = {
  /** Last byte, on the clock of `performance.now()`. */
  readonly endMs: number;
  /** From before the connection was opened, where one had to be, to the last byte. */
  readonly latencyMs: number;
  /** What was wrong; null for a good answer. */
  readonly problem: string | null;
};

export type Client = {
  /** One at a time. Never rejects. */
  ask(): Promise<Answer>;
  close(): void;
};

export type ClientOptions = {
  readonly port: number;
  readonly request: Buffer;
  readonly isGood: (body: string) => boolean;
};

type Waiting = { readonly sentMs: number; readonly settle: (answer: Answer) => void };

export function openClient({ port, request, isGood }: ClientOptions): Client {
  let socket: Socket | null = null;
  let waiting: Waiting | null = null;
  let text = "";

  const finish = (problem: string | null): void => {
    const asked = waiting;
    waiting = null;
    text = "";
    if (asked === null) return;
    const endMs = performance.now();
    asked.settle({ endMs, latencyMs: endMs - asked.sentMs, problem: problem?.slice(0, PROBLEM_CHARS_MAX) ?? null });
  };

  const open = (): Socket => {
    const opened = connect({ port, host: "127.0.0.1", noDelay: true });
    let why = "the connection was closed";
    opened.setEncoding("latin1");
    opened.on("data", (chunk: string) => {
      if (waiting === null) return;
      text += chunk;
      const body = wholeBody(text);
      if (body === null) return;
      // A server that says so closes the connection, and the next question would race with that.
      if (/\r\nconnection: close\r\n/i.test(text)) forget(opened);
      finish(
        text.startsWith("HTTP/1.1 200 ") && isGood(body) ? null : `${text.slice(0, text.indexOf("\r\n"))} ${body}`,
      );
    });
    opened.on("error", (error) => (why = error.message));
    opened.on("close", () => {
      // Of an idle connection nobody needs to know: the next question opens another.
      if (socket !== opened) return;
      socket = null;
      finish(why);
    });
    opened.setTimeout(ANSWER_MS_MAX, () => {
      why = `no bytes for ${ANSWER_MS_MAX} ms`;
      opened.destroy();
    });
    return opened;
  };

  const forget = (opened: Socket): void => {
    socket = null;
    opened.destroy();
  };

  return {
    ask: () =>
      new Promise((settle) => {
        waiting = { sentMs: performance.now(), settle };
        socket ??= open();
        socket.write(request);
      }),
    close() {
      if (socket !== null) forget(socket);
      finish("closed by us");
    },
  };
}

/** Null until the answer is whole; chunks of a chunked body are put together. */
export function wholeBody(text: string): string | null {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const bodyAt = headEnd + 4;
  const declared = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, headEnd))?.[1];
  if (declared !== undefined) {
    const endAt = bodyAt + Number(declared);
    return text.length < endAt ? null : text.slice(bodyAt, endAt);
  }
  let body = "";
  for (let at = bodyAt; ;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    const dataAt = lineEnd + 2;
    // The data and the line end behind it; after the last chunk of zero bytes there is only the line end.
    if (text.length < dataAt + size + 2) return null;
    if (!(size > 0)) return body;
    body += text.slice(dataAt, dataAt + size);
    at = dataAt + size + 2;
  }
}
