/**
 * A model server for the demo that says what no client should see: an e-mail address and a key, cut over many chunks of
 * an OpenAI chat stream. It says the same to everyone and ends with the process.
 *
 * It stops after its first words until somebody has heard them (`goOn`), so that a router which collected the answer
 * before it sent any of it would be found out: nothing more would ever come.
 */
import { randomInt } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Characters of one chunk: about a token, and an address or a key spans four of them or more. */
const PIECE_CHARS = 5;

/** Between two chunks, ms: as a fast model does, so that they arrive one by one. */
const PIECE_MS = 8;

const EMAIL = "ann.lee@example.org";

export type LeakyModel = {
  readonly url: string;
  /** The texts of its chunks, in order. */
  readonly pieces: readonly string[];
  /** What stands between the secrets: before, between and behind them. */
  readonly around: readonly string[];
  readonly secrets: readonly string[];
  /** It was heard: from now on it says all it has to say. */
  goOn(): void;
};

export async function startLeakyModel(): Promise<LeakyModel> {
  const secrets = [EMAIL, madeUpAwsKey()] as const;
  const around = ["Sure, one moment. The account belongs to ", ", its key is ", ", and it ends on Friday."] as const;
  const said = around[0] + secrets[0] + around[1] + secrets[1] + around[2];
  const pieces = said.match(new RegExp(`.{1,${PIECE_CHARS}}`, "gs")) ?? [];
  const heard = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    request.resume().once("end", () => {
      if (request.method === "POST") void speak(response, pieces, heard.promise);
      else response.writeHead(200, { "content-length": "0" }).end();
    });
  });
  // One packet for each chunk.
  server.on("connection", (socket) => socket.setNoDelay(true));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  server.unref();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, pieces, around, secrets, goOn: () => heard.resolve() };
}

async function speak(response: ServerResponse, pieces: readonly string[], heard: Promise<void>): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(chunk({ role: "assistant", content: "" }, null));
  for (const [index, content] of pieces.entries()) {
    response.write(chunk({ content }, null));
    await sleep(PIECE_MS);
    // "Sure, one moment.": enough for a router that holds a word back to have let some of it go.
    if (index === 3) await heard;
  }
  response.write(chunk({}, "stop"));
  response.end("data: [DONE]\n\n");
}

function chunk(delta: Readonly<Record<string, string>>, finish: "stop" | null): string {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  const event = { id: "chatcmpl-demo", object: "chat.completion.chunk", created: 0, model: "leaky-model", choices };
  return `data: ${JSON.stringify(event)}\n\n`;
}

/** In the form of an AWS access key id. Every character is different, so that it cannot look like a placeholder. */
export function madeUpAwsKey(): string {
  const left = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"];
  const drawn = Array.from({ length: 16 }, () => left.splice(randomInt(left.length), 1).join(""));
  return `AKIA${drawn.join("")}`;
}
