/** An HTTP server that answers everything with 200 and writes down what came: for tests of where requests go. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type Recorded = {
  readonly method: string;
  /** The request target, byte for byte. */
  readonly url: string;
  readonly authorization: string | null;
  /** Every header and its value, as they came. */
  readonly headers: readonly string[];
};

export type Recorder = {
  readonly url: string;
  /** Host and port. */
  readonly host: string;
  readonly seen: readonly Recorded[];
  /** Connections, whether or not a request came over them. */
  connections(): number;
  close(): void;
};

const ANSWER = JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", content: "a@example.com" } }] });

export async function startRecorder(): Promise<Recorder> {
  const seen: Recorded[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    const { method = "", url = "", headers, rawHeaders } = request;
    seen.push({ method, url, authorization: headers.authorization ?? null, headers: rawHeaders });
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(ANSWER) });
      response.end(ANSWER);
    });
  });
  server.on("connection", () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    seen,
    connections: () => connections,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
