/** Sends a request whose target is any text at all: HTTP clients repair what they are given. */
import { connect } from "node:net";

export type TargetCall = {
  readonly method?: string;
  /** Goes onto the request line as it is, in Latin-1. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type TargetAnswer = {
  /** 0: the connection ended without one. */
  readonly status: number;
  readonly head: string;
  readonly body: string;
};

/** One request over one connection, which the server ends. */
export function callTarget(port: number, call: TargetCall): Promise<TargetAnswer> {
  const { method = "GET", target, headers = {}, body = "" } = call;
  const all = { host: `127.0.0.1:${port}`, connection: "close", "content-length": String(body.length), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => socket.write(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n${body}`, "latin1"));
    socket.on("data", (chunk) => chunks.push(chunk));
    // A server that refuses a request it has not read resets; what it said came before.
    socket.on("error", (error) => (chunks.length === 0 ? reject(error) : undefined));
    socket.on("close", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const [head = "", rest = ""] = text.split("\r\n\r\n");
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), head, body: rest });
    });
  });
}
