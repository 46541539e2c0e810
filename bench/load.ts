/**
 * The load generator: N kept-alive connections in a closed loop, each sending its next request when the answer is
 * whole.
 *
 * It speaks just enough HTTP/1.1 for the answers of `traffic.ts`, over raw sockets, and checks every one of
 * them: status, every byte of a JSON answer, number of events and the clean end of a stream. Rejected:
 * `fetch` and `node:http`, which cost more CPU per request than the gateway under test, so that the benchmark
 * would measure its own client.
 */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { bodyOf } from "./framing.ts";
import { JSON_ANSWER, STREAM_END, TOKEN_MARK } from "./traffic.ts";
import type { Pace } from "./traffic.ts";

/** An answer that takes longer counts as failed, ms: twenty times what a loaded machine needs. */
const ANSWER_MS_MAX = 10_000;

type LoadPlan = {
  readonly request: Buffer;
  /** The stream that was asked for; null for a JSON answer. */
  readonly pace: Pace | null;
  readonly durationMs: number;
};

export type LoadResult = {
  readonly elapsedMs: number;
  /** Request to last byte, ms, one per answer. */
  readonly latenciesMs: readonly number[];
  /** Request to the first event with content, ms, one per stream. */
  readonly ttftsMs: readonly number[];
  /** What was wrong, one text per failed request. */
  readonly failures: readonly string[];
};

export type Load = {
  /** Every request that was begun in `durationMs` is waited for, so that CPU time can be divided by their number. */
  run(plan: LoadPlan): Promise<LoadResult>;
  close(): void;
};

export async function openLoad(port: number, connections: number): Promise<Load> {
  const sockets = await Promise.all(Array.from({ length: connections }, async () => openSocket(port)));
  return {
    async run(plan) {
      const latenciesMs: number[] = [];
      const ttftsMs: number[] = [];
      const failures: string[] = [];
      const startedMs = performance.now();
      const untilMs = startedMs + plan.durationMs;
      await Promise.all(
        sockets.map(async (socket, index) => {
          // Streams that begin together would also send every event together.
          if (plan.pace !== null) await wait((index / connections) * plan.pace.chunks * plan.pace.intervalMs);
          while (performance.now() < untilMs) {
            const sentMs = performance.now();
            const answer = await exchange(socket, plan.request);
            const problem = problemOf(answer, plan.pace);
            if (problem !== null) {
              failures.push(problem);
              return;
            }
            latenciesMs.push(answer.endMs - sentMs);
            if (plan.pace !== null) ttftsMs.push(answer.tokenMs - sentMs);
          }
        }),
      );
      return { elapsedMs: performance.now() - startedMs, latenciesMs, ttftsMs, failures };
    },
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

type Answer = {
  /** Status line, headers and body, chunk sizes included. */
  text: string;
  /** Where the body begins; -1 until the headers are complete. */
  bodyAt: number;
  /** Value of Content-Length; -1 for a chunked body. */
  length: number;
  tokenMs: number;
  endMs: number;
  broken: string | null;
};

/** Sends one request and resolves with the whole answer, or with what is there when the connection breaks. */
function exchange(socket: Socket, request: Buffer): Promise<Answer> {
  const answer: Answer = { text: "", bodyAt: -1, length: -1, tokenMs: -1, endMs: -1, broken: null };
  return new Promise((resolve) => {
    const finish = (broken: string | null) => {
      socket.removeAllListeners();
      // Whatever happens on an idle connection shows up at its next request.
      socket.on("error", () => undefined);
      socket.setTimeout(0);
      answer.broken = broken;
      answer.endMs = performance.now();
      resolve(answer);
    };
    socket.on("data", (chunk) => {
      if (take(answer, chunk)) finish(null);
    });
    socket.once("error", (error) => finish(error.message));
    socket.once("close", () => finish("the connection was closed"));
    socket.setTimeout(ANSWER_MS_MAX, () => {
      socket.destroy();
      finish(`no bytes for ${ANSWER_MS_MAX} ms`);
    });
    if (socket.destroyed) finish("the connection was closed");
    else socket.write(request);
  });
}

/** Adds bytes; true when the answer is whole. */
function take(answer: Answer, chunk: Buffer): boolean {
  answer.text += chunk.toString("latin1");
  if (answer.bodyAt < 0) {
    const headEnd = answer.text.indexOf("\r\n\r\n");
    if (headEnd < 0) return false;
    answer.bodyAt = headEnd + 4;
    const declared = /\r\ncontent-length: (\d+)/i.exec(answer.text.slice(0, headEnd));
    answer.length = declared === null ? -1 : Number(declared[1]);
  }
  if (answer.tokenMs < 0 && answer.text.includes(TOKEN_MARK, answer.bodyAt)) answer.tokenMs = performance.now();
  if (answer.length >= 0) return answer.text.length - answer.bodyAt >= answer.length;
  // No event ends in CR LF CR LF, so this is the last chunk.
  return answer.text.endsWith("0\r\n\r\n");
}

function problemOf(answer: Answer, pace: Pace | null): string | null {
  if (answer.broken !== null) return answer.broken;
  if (!answer.text.startsWith("HTTP/1.1 200 ")) return answer.text.slice(0, 600);
  if (pace === null) return answer.text.endsWith(`\r\n\r\n${JSON_ANSWER}`) ? null : "another body than the endpoint's";
  const body = bodyOf(answer.text);
  const events = body.split(TOKEN_MARK).length - 1;
  if (events !== pace.chunks) return `${events} events instead of ${pace.chunks}`;
  return body.includes(STREAM_END) ? null : "the stream has no end event";
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
