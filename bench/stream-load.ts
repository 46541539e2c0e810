/**
 * The load of the benchmark of streams: N kept-alive connections, each with the next stream when the last has ended.
 *
 * Raw sockets, for the same reason as in `load.ts`. Every answer is checked by its text, which is all that is the same
 * with and without rails: they may move a piece of it into the next event.
 */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { bodyOf } from "./framing.ts";
import { CHUNKS, INTERVAL_MS, SPOKEN, streamText } from "./stream-traffic.ts";
import type { Spoken } from "./stream-traffic.ts";

const ANSWER_MS_MAX = 20_000;

export type StreamLoad = {
  readonly streams: number;
  readonly durationsMs: readonly number[];
  readonly ttftsMs: readonly number[];
  readonly failures: readonly string[];
};

/** Every stream that was begun in `durationMs` is waited for. */
export async function loadStreams(
  port: number,
  {
    connections,
    request,
    spoken,
    durationMs,
  }: {
    readonly connections: number;
    readonly request: Buffer;
    readonly spoken: Spoken;
    readonly durationMs: number;
  },
): Promise<StreamLoad> {
  const sockets = await Promise.all(Array.from({ length: connections }, async () => openSocket(port)));
  const durationsMs: number[] = [];
  const ttftsMs: number[] = [];
  const failures: string[] = [];
  const untilMs = performance.now() + durationMs;
  const expected = streamText();
  const { member } = SPOKEN[spoken];
  await Promise.all(
    sockets.map(async (socket, index) => {
      // Streams that begin together would also send every chunk together.
      await wait((index / connections) * CHUNKS * INTERVAL_MS);
      do {
        const startedMs = performance.now();
        const { text, tokenMs, problem } = await exchange(socket, request, member);
        const seen = problem ?? (contentOf(text, member) === expected ? null : `another text: ${text.slice(0, 400)}`);
        if (seen !== null) {
          failures.push(seen);
          return;
        }
        durationsMs.push(performance.now() - startedMs);
        ttftsMs.push(tokenMs - startedMs);
      } while (performance.now() < untilMs);
    }),
  );
  for (const socket of sockets) socket.destroy();
  return { streams: durationsMs.length, durationsMs, ttftsMs, failures };
}

/** All pieces of text in an answer; none has a quote that is not escaped. */
function contentOf(answer: string, member: string): string {
  const body = Buffer.from(bodyOf(answer), "latin1").toString();
  const pieces = body.matchAll(/"([a-z]+)":("(?:[^"\\]|\\.)*")/g);
  return [...pieces].map(([, name, text = '""']) => (name === member ? (JSON.parse(text) as string) : "")).join("");
}

/** `text`: the whole answer as Latin-1, one character a byte. */
type Exchange = { readonly text: string; readonly tokenMs: number; readonly problem: string | null };

function exchange(socket: Socket, request: Buffer, member: string): Promise<Exchange> {
  const chunks: Buffer[] = [];
  let tokenMs = Number.NaN;
  return new Promise((resolve) => {
    const finish = (problem: string | null): void => {
      socket.removeAllListeners();
      socket.on("error", () => undefined);
      socket.setTimeout(0);
      const text = Buffer.concat(chunks).toString("latin1");
      resolve({ text, tokenMs, problem: problem ?? (text.startsWith("HTTP/1.1 200 ") ? null : text.slice(0, 400)) });
    };
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      // The role comes in the first chunk, and the first token in the second.
      if (Number.isNaN(tokenMs) && chunk.includes(`"${member}":"T`)) tokenMs = performance.now();
      if (chunk.includes("0\r\n\r\n", Math.max(0, chunk.length - 5))) finish(null);
    });
    socket.once("error", (error) => finish(error.message));
    socket.once("close", () => finish("the connection was closed"));
    socket.setTimeout(ANSWER_MS_MAX, () => finish(`no bytes for ${ANSWER_MS_MAX} ms`));
    socket.write(request);
  });
}

function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
