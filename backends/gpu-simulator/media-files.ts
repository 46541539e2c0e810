/**
 * A picture and a sound, as bytes that any reader of PNG and of WAV takes: what a simulated model makes of a text.
 *
 * The same seed gives the same bytes. Rejected: fixed files, by which no test could tell one request's answer from
 * another's.
 */
import { crc32, deflateSync } from "node:zlib";
import type { Rng } from "../../src/lib/rng.ts";

/** Pixels of a side where the request does not say. */
const SIDE_DEFAULT = 64;
/** Larger is a test's mistake: the picture is made in memory. */
const SIDE_MAX = 4_096;

/** As `size` of OpenAI's API: `1024x1024`, or `auto`. */
export function sizeOf(size: string | undefined): { readonly width: number; readonly height: number } {
  const [, width = SIDE_DEFAULT, height = SIDE_DEFAULT] = /^(\d{1,4})x(\d{1,4})$/.exec(size ?? "") ?? [];
  const side = (value: number | string): number => Math.min(SIDE_MAX, Math.max(1, Number(value)));
  return { width: side(width), height: side(height) };
}

/** Noise above, and one colour below: bytes that do not compress to nothing. */
export function drawPng(rng: Rng, { width, height }: ReturnType<typeof sizeOf>): Buffer {
  const colour = [0, 1, 2].map(() => Math.floor(rng() * 256));
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y += 1) {
    const at = y * (1 + width * 3);
    for (let x = 0; x < width; x += 1) {
      for (const [channel, value] of colour.entries()) {
        rows[at + 1 + x * 3 + channel] = y < height / 2 ? Math.floor(rng() * 256) : value;
      }
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // Eight bits a channel, red, green and blue.
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", EMPTY)]);
}

const EMPTY = Buffer.alloc(0);

function chunk(name: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

/** Samples a second; 16 bits, one channel. */
export const SAMPLE_RATE = 8_000;
/** Samples of one token's sound. */
const TOKEN_SAMPLES = 800;

/** The head of a WAV file of so many tokens. */
export function wavHead(tokens: number): Buffer {
  const bytes = tokens * TOKEN_SAMPLES * 2;
  const head = Buffer.alloc(44);
  head.write("RIFF", 0, "latin1");
  head.writeUInt32LE(36 + bytes, 4);
  head.write("WAVEfmt ", 8, "latin1");
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(SAMPLE_RATE, 24);
  head.writeUInt32LE(SAMPLE_RATE * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36, "latin1");
  head.writeUInt32LE(bytes, 40);
  return head;
}

/** The sound of one token: a tone. */
export function drawTone(rng: Rng): Buffer {
  const step = (2 * Math.PI * (200 + Math.floor(rng() * 400))) / SAMPLE_RATE;
  const samples = Buffer.alloc(TOKEN_SAMPLES * 2);
  for (let at = 0; at < TOKEN_SAMPLES; at += 1) samples.writeInt16LE(Math.round(Math.sin(at * step) * 8_000), at * 2);
  return samples;
}
