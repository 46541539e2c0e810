/** An endpoint that keeps what comes up, and says so while it comes. It answers as a transcriber does. */
import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

type Upload = {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly pieces: Buffer[];
  bytes: number;
  /** It came to its end. */
  isWhole: boolean;
  /** Its connection ended. */
  isOver: boolean;
};

export type UploadSink = {
  readonly url: string;
  readonly uploads: Upload[];
  /** Statuses of the next answers, before 200 again; they come when the body has. */
  readonly statuses: number[];
  /** Answers before the body is there, with this; null: it waits for the body. */
  early: number | null;
  /** Resolves when the last upload is as `done` wants it. */
  seen(done: (upload: Upload) => boolean): Promise<Upload>;
  close(): Promise<void>;
};

export async function startUploadSink(): Promise<UploadSink> {
  const uploads: Upload[] = [];
  const statuses: number[] = [];
  const waiting = new Set<() => void>();
  const tell = (): void => {
    for (const look of waiting) look();
  };
  const server = createServer((request, response) => {
    if (request.method !== "POST") {
      response.writeHead(request.url === "/health" ? 200 : 404).end("{}");
      return;
    }
    const { headers, url = "" } = request;
    const upload: Upload = { url, headers, pieces: [], bytes: 0, isWhole: false, isOver: false };
    uploads.push(upload);
    const answer = (status: number): void => {
      const body = status < 300 ? { text: "hello" } : { error: { message: "no", code: status } };
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (sink.early !== null) answer(sink.early);
    request.on("data", (piece: Buffer) => {
      upload.pieces.push(piece);
      upload.bytes += piece.length;
      tell();
    });
    request.on("end", () => {
      upload.isWhole = true;
      if (sink.early === null) answer(statuses.shift() ?? 200);
      tell();
    });
    request.on("close", () => {
      upload.isOver = true;
      tell();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sink: UploadSink = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    uploads,
    statuses,
    early: null,
    seen: (done) =>
      new Promise((resolve) => {
        const look = (): void => {
          const upload = uploads.at(-1);
          if (upload === undefined || !done(upload)) return;
          waiting.delete(look);
          resolve(upload);
        };
        waiting.add(look);
        look();
      }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return sink;
}
