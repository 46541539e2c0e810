import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fieldsOf, withFields } from "../../src/wire/form-fields.ts";
import {
  boundaryOf,
  createFormScan,
  endScan,
  FORM_PARTS_MAX,
  FORM_TEXT_BYTES_MAX,
  PART_HEADER_BYTES_MAX,
  scan,
} from "../../src/wire/form-scan.ts";
import type { FormProblem, FormScan } from "../../src/wire/form-scan.ts";

const latin = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
const part = (name: string, content: string, more = ""): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${content}\r\n`;
const file = (name: string, content: string): string =>
  part(name, content, '; filename="a.wav"\r\nContent-Type: audio/wav');
const END = "--b--\r\n";

/** In pieces of so many bytes. */
function read(text: string, size = Infinity): { readonly form: FormScan; readonly problem: FormProblem | null } {
  const form = createFormScan("b");
  const bytes = latin(text);
  for (let at = 0; at < bytes.byteLength; at += size) {
    const problem = scan(form, bytes.slice(at, at + Math.min(size, bytes.byteLength)));
    if (problem !== null) return { form, problem };
  }
  return { form, problem: endScan(form) };
}

describe("a form", () => {
  const text =
    file("file", "RIFF\r\n--\n-\r\r\n\n--c") + part("model", "m") + part("x[]", "1") + part("x[]", "2") + END;

  test.each([Infinity, 1, 2, 3, 7, 64])("is read alike in pieces of %d bytes", (size) => {
    const { form, problem } = read(text, size);
    expect(problem).toBeNull();
    expect(form.parts.map(({ name, filename, type }) => [name, filename, type])).toEqual([
      ["file", "a.wav", "audio/wav"],
      ["model", null, null],
      ["x[]", null, null],
      ["x[]", null, null],
    ]);
    expect(fieldsOf(form.parts)).toEqual({ model: "m", "x[]": ["1", "2"] });
    const [first] = form.parts;
    expect(text.slice(first?.start, first?.end ?? 0)).toBe("RIFF\r\n--\n-\r\r\n\n--c");
  });

  test("is what Node writes, whatever its files hold and wherever its pieces end", async () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(bytes, fc.string(), fc.integer({ min: 1, max: 90 }), async (content, prompt, size) => {
        const data = new FormData();
        data.append("file", new File([content as Uint8Array<ArrayBuffer>], "a.mp3"));
        data.append("prompt", prompt);
        data.append("image[]", new Blob([content as Uint8Array<ArrayBuffer>]), 'é"\n.png');
        const sent = new Response(data);
        const whole = new Uint8Array(await sent.clone().arrayBuffer());
        const form = createFormScan(boundaryOf(sent.headers.get("content-type")) ?? "");
        for (let at = 0; at < whole.byteLength; at += size) expect(scan(form, whole.slice(at, at + size))).toBeNull();
        expect(endScan(form)).toBeNull();
        const [first, second] = form.parts;
        expect(whole.slice(first?.start, first?.end ?? 0)).toEqual(content);
        // Node's own reader, which writes line ends anew as browsers do.
        expect(second?.text).toBe((await sent.formData()).get("prompt"));
      }),
    );
  });

  test("or what is none, is read alike however it is cut: as a whole or a byte at a time", () => {
    const words = ["--b", "--b--", "\r\n", "\r", "\n", "--", "-", "b", part("model", "m"), file("file", "x"), "é", " "];
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...words), { maxLength: 12 }),
        fc.integer({ min: 1, max: 9 }),
        (some, size) => {
          const cut = part("x[]", "1") + some.join("");
          const [whole, pieces] = [read(cut), read(cut, size)];
          expect(pieces.problem).toBe(whole.problem);
          if (whole.problem === null) expect(pieces.form.parts).toEqual(whole.form.parts);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("of which a text was changed keeps every other byte", () => {
    const { form } = read(text);
    const anew = withFields(latin(text), form.parts, { ...fieldsOf(form.parts), model: "another", "x[]": ["1", "02"] });
    const expected = text.replace("\r\nm\r\n", "\r\nanother\r\n").replace("\r\n2\r\n", "\r\n02\r\n");
    expect(Buffer.from(anew ?? []).toString("latin1")).toBe(expected);
    expect(withFields(latin(text), form.parts, { model: 1 })).toBeNull();
  });
});

describe("what two readers may take for two things is refused", () => {
  const long = "x".repeat(PART_HEADER_BYTES_MAX + 1);
  test.each<[string, string, FormProblem]>([
    ["nothing", "", "no_start"],
    ["another boundary", "--c\r\n", "no_start"],
    ["a preamble", `hello\r\n${part("model", "m")}${END}`, "no_start"],
    ["no end", part("model", "m"), "no_end"],
    ["an end within a file", `${part("model", "m")}${file("file", "x").slice(0, -3)}`, "no_end"],
    ["half of the last boundary", `${part("model", "m")}--b-`, "no_end"],
    ["a boundary behind a bare line feed", `${part("model", "m\n--b\r\nx")}${END}`, "boundary"],
    ["a longer boundary", `${part("model", "m")}--bc\r\n`, "boundary"],
    ["a longer boundary in a file", `${file("file", "x\r\n--bc\r\ny")}${END}`, "boundary"],
    [
      "a boundary as the first of a part",
      '--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n--b--\r\n',
      "boundary",
    ],
    ["something behind the end", `${part("model", "m")}${END}${part("model", "n")}`, "boundary"],
    ["a boundary with a space behind it", `--b \r\n`, "boundary"],
    ["no header", "--b\r\n\r\nx\r\n--b--", "header"],
    ["a folded header", '--b\r\nContent-Disposition: form-data;\r\n name="x"\r\n\r\nx\r\n--b--', "header"],
    ["two dispositions", part("x", "1", '\r\nContent-Disposition: form-data; name="y"') + END, "header"],
    ["two names", part("x", "1", '; name="model"') + END, "header"],
    ["a name in another writing", part("x", "1", "; name*=UTF-8''model") + END, "header"],
    ["a header that does not end", `--b\r\nX: ${long}`, "header"],
    ["an attachment", '--b\r\nContent-Disposition: attachment; name="x"\r\n\r\nx\r\n--b--', "header"],
    ["a name with an escape", part("mo%64el", "m") + END, "name"],
    ["a name with a quote", part('mo\\"del', "m") + END, "name"],
    ["a file in the place of a text", part("prompt", "x", '; filename="a.txt"') + END, "not_a_file"],
    ["a model that is there twice", part("model", "m") + part("model", "n") + END, "twice"],
    [
      "a text in another charset",
      part("x", "1", "\r\nContent-Type: text/plain; charset=utf-16") + END,
      "text_encoding",
    ],
    ["a text in base64", part("x", "MQ==", "\r\nContent-Transfer-Encoding: base64") + END, "text_encoding"],
    ["a text that is no UTF-8", part("x", "\xff") + END, "text_encoding"],
  ])("%s", (_, text, problem) => {
    for (const size of [Infinity, 1, 5]) expect(read(text, size).problem).toBe(problem);
  });
});

describe("a bound", () => {
  test("holds for members of members in a name, as SDKs write them", () => {
    const nested = (depth: number): string => part(`svg${"[effort]".repeat(depth)}`, "none") + END;
    expect(read(nested(4)).problem).toBeNull();
    expect(read(nested(5)).problem).toBe("name");
  });

  test("holds for parts", () => {
    const parts = (count: number): string => part("x[]", "1").repeat(count) + END;
    expect(read(parts(FORM_PARTS_MAX)).problem).toBeNull();
    expect(read(parts(FORM_PARTS_MAX + 1)).problem).toBe("too_many_parts");
    expect(read(parts(1_000), 100).problem).toBe("too_many_parts");
  });

  test("holds for a text, and not for a file", () => {
    const text = "x".repeat(FORM_TEXT_BYTES_MAX);
    expect(read(part("x", text) + END).problem).toBeNull();
    expect(read(part("x", `${text}x`) + END).problem).toBe("text_too_long");
    expect(read(part("x", `${text}x`) + END, 4_096).problem).toBe("text_too_long");
    expect(read(file("file", `${text}x`) + END).problem).toBeNull();
  });

  test("holds for a part's header", () => {
    const header = (bytes: number): string => {
      const line = 'Content-Disposition: form-data; name="x"';
      return `--b\r\n${line}\r\nX: ${"y".repeat(bytes - line.length - 5)}\r\n\r\nz\r\n${END}`;
    };
    for (const size of [Infinity, 3]) {
      expect(read(header(PART_HEADER_BYTES_MAX), size).problem).toBeNull();
      expect(read(header(PART_HEADER_BYTES_MAX + 1), size).problem).toBe("header");
    }
  });
});

describe("a boundary", () => {
  test.each([
    ["multipart/form-data; boundary=b", "b"],
    ['Multipart/Form-Data; charset=utf-8; boundary="a b:c"', "a b:c"],
    [`multipart/form-data; boundary=${"b".repeat(70)}`, "b".repeat(70)],
    [`multipart/form-data; boundary=${"b".repeat(71)}`, null],
    ["multipart/form-data", null],
    ["multipart/form-data; boundary=", null],
    ['multipart/form-data; boundary=""', null],
    ["multipart/form-data; boundary=a; boundary=b", null],
    ["multipart/mixed; boundary=b", null],
    ["application/json; boundary=b", null],
    [null, null],
  ])("of %j is %j", (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary);
  });
});
