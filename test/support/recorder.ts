/**
 * An HTTP server that answers everything with 200 and writes down what came: for tests of where requests go. What asks
 * for speech gets sound: a chat would be no answer, and the endpoint at fault.
 */
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

const CHAT = { choices: [{ index: 0, message: { role: "assistant", content: "a@example.com" } }] };
const ANSWER = Buffer.from(JSON.stringify(CHAT));
const SOUND = Buffer.from("RIFF");

export async function startRecorder(): Promise<Recorder> {
  const seen: Recorded[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    const { method = "", url = "", headers, rawHeaders } = request;
    seen.push({ method, url, authorization: headers.authorization ?? null, headers: rawHeaders });
    request.resume().on("end", () => {
      const isSpeech = /\/audio\/speech(?:\?|$)/.test(url);
      const answer = isSpeech ? SOUND : ANSWER;
      const type = isSpeech ? "audio/wav" : "application/json";
      response.writeHead(200, { "content-type": type, "content-length": answer.byteLength });
      response.end(answer);
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
