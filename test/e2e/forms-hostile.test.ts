/** Forms as hostile and broken clients send them, over a bare socket: each is refused, and nothing of it is left behind. */
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formOf, MODEL, sound, startFormFleet, TRANSCRIPTIONS } from "../support/form-fleet.ts";
import type { FormFleet } from "../support/form-fleet.ts";

let forms: FormFleet;
beforeAll(async () => {
  forms = await startFormFleet();
});
afterAll(async () => {
  // Whatever was sent: no lease is left, and the next form is served.
  expect(await forms.fleet.until(forms.fleet.liveLeases, (live) => live === 0)).toBe(0);
  expect(
    (
      await forms.post(
        formOf([
          ["model", MODEL],
          ["file", sound()],
        ]),
      )
    ).status,
  ).toBe(200);
  await forms.close();
});

const field = (name: string, value: string, more = ""): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
const FILE = field("file", "RIFF", '; filename="a.wav"');
const END = "--b--\r\n";
const GOOD = field("model", MODEL) + FILE + END;

/** What the router says until it hangs up, or the client does after its end was sent. */
async function said(body: string, headers: readonly string[], { isCut = false } = {}): Promise<string> {
  const { hostname, port } = new URL(forms.fleet.router.url);
  const head = [
    `POST ${TRANSCRIPTIONS} HTTP/1.1`,
    `Host: ${hostname}`,
    `Authorization: Bearer ${forms.fleet.key}`,
    "Connection: close",
    ...headers,
  ];
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let text = "";
  socket.on("data", (piece) => (text += piece.toString("latin1")));
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    socket.on("end", () => socket.end());
    // A reset ends it as well.
    socket.on("error", () => undefined);
  });
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  if (isCut) socket.end();
  await closed;
  return text;
}

const TYPE = "Content-Type: multipart/form-data; boundary=b";
const lengthOf = (body: string): string => `Content-Length: ${Buffer.byteLength(body, "latin1")}`;
const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);

describe("over a bare socket", () => {
  test("a good form is served", async () => {
    expect(statusOf(await said(GOOD, [TYPE, lengthOf(GOOD)]))).toBe(200);
  });

  test.each<[string, string, string, number, RegExp]>([
    ["no boundary", "Content-Type: multipart/form-data", GOOD, 415, /unsupported_media_type/],
    ["two boundaries", `${TYPE}; boundary=c`, GOOD, 415, /unsupported_media_type/],
    ["another boundary", "Content-Type: multipart/form-data; boundary=c", GOOD, 400, /does not begin/],
    ["another kind of multipart", "Content-Type: multipart/mixed; boundary=b", GOOD, 415, /unsupported_media_type/],
    ["the boundary inside the data", TYPE, field("model", `${MODEL}\r\n--bx\r\n`) + FILE + END, 400, /boundary stands/],
    [
      "the boundary behind a bare line feed",
      TYPE,
      field("model", `${MODEL}\n--b\n`) + FILE + END,
      400,
      /boundary stands/,
    ],
    ["1,000 parts", TYPE, field("model", MODEL) + field("x[]", "1").repeat(1_000) + END, 400, /more than 64 parts/],
    [
      "1,000 files",
      TYPE,
      field("model", MODEL) + FILE.replace('"file"', '"image[]"').repeat(1_000) + END,
      400,
      /64 parts/,
    ],
    ["two models", TYPE, field("model", MODEL) + field("model", "sink") + FILE + END, 400, /is there twice/],
    ["a model in another writing", TYPE, field("model", MODEL, "; name*=UTF-8''x") + FILE + END, 400, /cannot be read/],
    ["a model in base64", TYPE, field("model", "x", "\r\nContent-Transfer-Encoding: base64") + END, 400, /encoded/],
    ["a model as a file", TYPE, field("model", MODEL, '; filename="m"') + FILE + END, 400, /is no file/],
    ["no end", TYPE, field("model", MODEL) + FILE, 400, /ends before its last boundary/],
    ["a form behind the form", TYPE, GOOD + GOOD, 400, /boundary stands/],
    ["nothing", TYPE, "", 400, /does not begin/],
    ["a header without an end", TYPE, `--b\r\nX-Pad: ${"x".repeat(100_000)}`, 400, /header that cannot be read/],
  ])("%s is refused", async (_, type, body, status, says) => {
    const text = await said(body, [type, lengthOf(body)]);
    expect([statusOf(text), text]).toEqual([status, expect.stringMatching(says)]);
    expect(text).toContain('"error"');
  });

  test("a length that is too short cuts the form, and what follows it is no request", async () => {
    const text = await said(GOOD, [TYPE, `Content-Length: ${GOOD.length - 6}`]);
    expect([statusOf(text), text]).toEqual([400, expect.stringContaining("ends before its last boundary")]);
    expect(text.match(/HTTP\/1\.1 200/)).toBeNull();
  });

  test("a length that is too long is waited for, and ends with the client", async () => {
    const text = await said(GOOD, [TYPE, `Content-Length: ${GOOD.length + 100}`], { isCut: true });
    expect(statusOf(text)).not.toBe(200);
  });

  test.each(["12x", "-1", "18446744073709551616"])("a length of %s is none", async (length) => {
    const text = await said(GOOD, [TYPE, `Content-Length: ${length}`], { isCut: true });
    expect(statusOf(text)).not.toBe(200);
  });

  test("a form that is cut within a chunk is not served", async () => {
    const chunk = `${GOOD.length.toString(16)}\r\n${GOOD.slice(0, -20)}`;
    expect(statusOf(await said(chunk, [TYPE, "Transfer-Encoding: chunked"], { isCut: true }))).not.toBe(200);
  });
});

test("a form below a pool's own path goes the same way", async () => {
  const path = "/v2/main/openai/v1/audio/transcriptions";
  const answer = await forms.post(formOf([["file", sound()]]), path);
  expect([answer.status, Object.keys((await answer.json()) as object)]).toEqual([200, ["text", "usage"]]);
  const long = formOf([
    ["file", sound(600_000)],
    ["model", MODEL],
  ]);
  const late = await forms.post(long, path);
  expect([late.status, await late.text()]).toEqual([400, expect.stringContaining("The field model came after a file")]);
  const refused = await forms.post(
    formOf([
      ["file", sound()],
      ["file", sound()],
    ]),
    path,
  );
  expect(refused.status).toBe(400);
});
