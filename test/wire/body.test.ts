import { describe, expect, test } from "vitest";
import { DRAIN_BYTES_MAX, drainUnread, parseJson, readBytes } from "../../src/wire/body.ts";

const MAX = 1_000;

type Body = { readonly request: Request; readonly pulled: () => number; readonly cancelled: () => boolean };

/** A request whose body comes in chunks of these sizes. */
function chunked(sizes: Iterable<number>, headers: Record<string, string> = {}): Body {
  const left = sizes[Symbol.iterator]();
  let pulled = 0;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const { done, value } = left.next();
        if (done === true) return controller.close();
        pulled += 1;
        controller.enqueue(new Uint8Array(value).fill(pulled));
      },
      cancel() {
        cancelled = true;
      },
    },
    // Nothing is pulled before it is read: what was pulled is what was asked for.
    { highWaterMark: 0 },
  );
  const init: RequestInit & { duplex: "half" } = { method: "POST", body, headers, duplex: "half" };
  return { request: new Request("https://a.example/", init), pulled: () => pulled, cancelled: () => cancelled };
}

/** 128 of them end it: without its bound, a test is to fail and not to fill the machine. */
function* endless(bytes: number): Generator<number> {
  for (let left = 128; left > 0; left -= 1) yield bytes;
}

const sizeOf = async (request: Request) => {
  const read = await readBytes(request, { bytesMax: MAX, timeoutMs: 60_000 });
  return read.ok ? read.value.byteLength : read.error;
};

describe("a body of unknown length", () => {
  test.each([
    { name: "none", sizes: [], is: 0 },
    { name: "one chunk at the cap", sizes: [MAX], is: MAX },
    { name: "many chunks up to the cap", sizes: Array.from({ length: 10 }, () => MAX / 10), is: MAX },
    { name: "one byte beyond the cap", sizes: [MAX + 1], is: "too_large" },
    { name: "one byte beyond the cap in the last chunk", sizes: [MAX, 1], is: "too_large" },
  ])("$name: $is", async ({ sizes, is }) => {
    expect(await sizeOf(chunked(sizes).request)).toBe(is);
  });

  test("keeps every byte in order", async () => {
    const read = await readBytes(chunked([1, 2, 3]).request, { bytesMax: MAX, timeoutMs: 60_000 });
    expect(read.ok && [...new Uint8Array(read.value)]).toEqual([1, 2, 2, 3, 3, 3]);
  });

  test("beyond the cap is read on, so that the client can hear of it, and no farther than the bound of that", async () => {
    const MIB = 1_048_576;
    const { request, pulled, cancelled } = chunked(endless(MIB));
    expect(await sizeOf(request)).toBe("too_large");
    // The piece that went beyond the cap, as many as the bound holds, and the one that went beyond that.
    expect([pulled(), cancelled()]).toEqual([DRAIN_BYTES_MAX / MIB + 2, true]);
  });

  test("beyond the cap is not waited for", async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(MAX + 1)),
      cancel() {
        cancelled = true;
      },
    });
    expect(await sizeOf(new Request("https://a.example/", { method: "POST", body, duplex: "half" }))).toBe("too_large");
    expect(cancelled).toBe(true);
  });

  test.each([
    ["unknown", {}],
    ["declared", { "content-length": "10" }],
  ])("that does not come is refused at the time limit: of %s length", async (_, headers) => {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(1)) });
    const request = new Request("https://a.example/", { method: "POST", body, headers, duplex: "half" });
    expect(await readBytes(request, { bytesMax: MAX, timeoutMs: 10 })).toEqual({ ok: false, error: "too_slow" });
  });
});

describe("a declared length", () => {
  test("above the cap is refused before a byte is read", async () => {
    const { request, pulled } = chunked(endless(400), { "content-length": String(MAX + 1) });
    expect(await sizeOf(request)).toBe("too_large");
    expect([pulled(), request.bodyUsed]).toEqual([0, false]);
  });

  test.each([
    { declared: "10", sizes: [MAX, MAX], is: "too_large" },
    { declared: "10", sizes: [MAX], is: MAX },
    { declared: "999", sizes: [3], is: 3 },
    { declared: "0", sizes: [], is: 0 },
    { declared: "many", sizes: [MAX + 1], is: "too_large" },
  ])("of $declared is not believed against what comes: $is", async ({ declared, sizes, is }) => {
    expect(await sizeOf(chunked(sizes, { "content-length": declared }).request)).toBe(is);
  });
});

describe("what a client still sends when it is refused", () => {
  test("is taken from it, where nobody has read", async () => {
    const { request, pulled } = chunked([1, 2, 3]);
    await drainUnread(request);
    expect([pulled(), request.bodyUsed]).toEqual([3, true]);
  });

  test("is left alone where somebody has, or where there is nothing", async () => {
    const { request } = chunked([1]);
    await request.arrayBuffer();
    await drainUnread(request);
    await drainUnread(new Request("https://a.example/"));
  });

  test("is not asked for, where the client asked first whether to send it", async () => {
    const { request, pulled } = chunked([1]);
    const { body, bodyUsed } = request;
    // `fetch` lets nobody set this header.
    await drainUnread({ body, bodyUsed, headers: new Map([["expect", "100-continue"]]) } as unknown as Request);
    expect(pulled()).toBe(0);
  });

  test("does not matter when it breaks off", async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
    await drainUnread(new Request("https://a.example/", { method: "POST", body, duplex: "half" }));
  });
});

test("a request without a body has an empty one", async () => {
  expect(await sizeOf(new Request("https://a.example/", { method: "POST" }))).toBe(0);
});

describe("JSON", () => {
  const bytesOf = (bytes: readonly number[]): ArrayBuffer => new Uint8Array(bytes).buffer;
  const textBytes = (text: string): ArrayBuffer => new Uint8Array(new TextEncoder().encode(text)).buffer;

  test.each([
    { text: `{"a":[1,"ü",null]}`, is: { a: [1, "ü", null] } },
    { text: "\uFEFF{}", is: {} },
    { text: " 7 ", is: 7 },
    { text: "false", is: false },
    { text: "null", is: null },
    { text: "", is: null },
    { text: "{", is: null },
    { text: "{} {}", is: null },
    { text: "{'a':1}", is: null },
  ])("of $text is $is", ({ text, is }) => {
    expect(parseJson(textBytes(text))).toEqual(is);
  });

  test.each([
    ["a byte that UTF-8 has not", [0x22, 0xff, 0x22]],
    ["a cut character", [0x22, 0xc3, 0x22]],
    ["half a surrogate pair", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["UTF-16", [0x7b, 0x00, 0x7d, 0x00]],
  ])("is not found in %s", (_, bytes) => {
    expect(parseJson(bytesOf(bytes))).toBeNull();
  });

  test("with a member named as the prototype makes no prototype", () => {
    const parsed = parseJson(textBytes(`{"__proto__":{"model":"x"}}`));
    expect(parsed !== null && typeof parsed === "object" && "model" in parsed).toBe(false);
  });
});
