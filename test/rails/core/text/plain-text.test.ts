import fc from "fast-check";
import { expect, test } from "vitest";
import { mediaRuns } from "../../../../src/rails/core/text/encoded-runs.ts";
import { isSurelyPlain } from "../../../../src/rails/core/text/plain-text.ts";
import { mayGoOnAmong, seamsOf } from "../../../../src/rails/core/text/seams.ts";
import { isPlainText, viewsOf } from "../../../../src/rails/core/text/views.ts";

const KEY = "AKIAQ4F5BNZSWAIK7GLP";

test.each([
  { name: "writing in another script", text: "请帮我写一封邮件，向客户说明发货延迟的原因。" },
  { name: "typographic quotes and dashes", text: "It’s “fine” — isn’t it…" },
  { name: "code with signs that could begin an escape", text: 'if (a && b % 2) { print("x\\n"); }' },
])("with the platform's tables a text is known to be plain: $name", ({ text }) => {
  expect(isPlainText(text)).toBe(true);
});

test.each([
  { name: "in disguise", text: KEY.split("").join("\u200b") },
  {
    name: "of full width",
    text: KEY.replaceAll(/[A-Z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)),
  },
  { name: "behind escapes", text: `${KEY.slice(0, 4)}\\u0051${KEY.slice(5)}` },
  { name: "behind entities", text: `${KEY.slice(0, 4)}&#81;${KEY.slice(5)}` },
  { name: "in base64", text: Buffer.from(`key ${KEY}`).toString("base64") },
  { name: "with its letters apart", text: KEY.split("").join(" ") },
])("but none that holds a key $name", ({ text }) => {
  expect(isPlainText(text)).toBe(false);
});

test("what is plain has neither views nor media, and what is so without the tables is so with them", () => {
  const piece = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: fc.constantFrom(..."aB1%&\\;#x4u{}0 -\u200b\uff21") }),
    fc.constantFrom("%41", "&#65;", "\\x41", Buffer.from("a text to read").toString("base64"), "a b c d e f g h "),
  );
  const text = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(text, (any) => {
      if (isSurelyPlain(any)) expect(isPlainText(any)).toBe(true);
      if (isPlainText(any)) expect([...viewsOf(any), ...mediaRuns(any)]).toEqual([]);
    }),
    { numRuns: 5_000 },
  );
});

test("where no text may go on in another, no seam is read, whosever they are", () => {
  const word = fc.constantFrom(
    "AKIAQ4F5",
    "BNZSWAIK",
    "half",
    "a@b",
    "end.",
    "done.\n",
    "@c.com",
    "key=",
    "so",
    " ",
    "",
    "x.",
  );
  const text = fc.array(word, { maxLength: 3 }).map((words) => words.join(" "));
  const parts = fc.array(fc.record({ role: fc.constantFrom("user", "tool"), text: fc.oneof(word, text) }), {
    maxLength: 5,
  });
  fc.assert(
    fc.property(parts, (any) => {
      if (mayGoOnAmong(any.map((part) => part.text))) return;
      const told = any.map((part, index) => ({ ...part, path: `messages[${index}].content` }));
      expect([...seamsOf(told.filter((part) => part.text !== ""))]).toEqual([]);
    }),
    { numRuns: 5_000 },
  );
});

test("sentences behind one another, with names and numbers inside, go on in nothing", () => {
  expect(mayGoOnAmong(["Fix src/app.ts, line 12.", "3 files were changed.", "/usr/lib is a folder. Thanks!"])).toBe(
    false,
  );
});
