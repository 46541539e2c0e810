/** A guardrail service on this machine whose answers the test chooses, call by call. */
import { createServer } from "node:http";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type RailCall = {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body, parsed. */
  readonly body: unknown;
  /** Answers it now; without a call it hangs. */
  reply(answer: unknown, status?: number): void;
  /** The connection was closed before there was an answer. */
  readonly left: Promise<void>;
};

export type RailServer = {
  readonly url: string;
  readonly calls: readonly RailCall[];
  /** Calls whose connection was closed before their answer. */
  readonly leftCount: () => number;
  readonly openCount: () => number;
  /** The most that were open at once. */
  readonly openMost: () => number;
  /** What happens to each call from now on. Default: it hangs. */
  onCall(handle: (call: RailCall) => void): void;
  /** The call with this number, from 0, as soon as it is there. */
  call(index: number): Promise<RailCall>;
  forget(): void;
  close(): Promise<void>;
};

export async function startRailServer(): Promise<RailServer> {
  const calls: RailCall[] = [];
  let handle: (call: RailCall) => void = () => undefined;
  let [left, open, most] = [0, 0, 0];
  const waiters = new Map<number, (call: RailCall) => void>();
  const server = createServer((request, response) => {
    // Health checks of a rail server that stands in for a GPU endpoint.
    if (request.method === "GET") {
      response.end("ok");
      return;
    }
    const chunks: Buffer[] = [];
    const leaving = Promise.withResolvers<void>();
    open += 1;
    most = Math.max(most, open);
    response.once("close", () => {
      open -= 1;
      if (response.writableFinished) return;
      left += 1;
      leaving.resolve();
    });
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => {
      const text = Buffer.concat(chunks).toString();
      const call = {
        path: request.url ?? "",
        headers: request.headers,
        text,
        body: JSON.parse(text) as unknown,
        reply: (answer: unknown, status = 200) => reply(response, answer, status),
        left: leaving.promise,
      };
      calls.push(call);
      waiters.get(calls.length - 1)?.(call);
      handle(call);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    leftCount: () => left,
    openCount: () => open,
    openMost: () => most,
    onCall: (next) => {
      handle = next;
    },
    call: (index) => {
      const known = calls[index];
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve) => waiters.set(index, resolve));
    },
    forget: () => {
      calls.length = 0;
      waiters.clear();
      [left, most] = [0, open];
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A text is sent as it is. */
function reply(response: ServerResponse, answer: unknown, status: number): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
}
