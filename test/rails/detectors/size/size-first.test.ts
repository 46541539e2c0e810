import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KNOWN_NAMES } from "../../../../src/rails/core/text/known-members.ts";
import { extractTextParts } from "../../../../src/rails/core/text/text-parts.ts";
import { TEXT_PARTS_MAX } from "../../../../src/rails/core/text/text-bounds.ts";
import { surelyBeyond } from "../../../../src/rails/detectors/size/size-first.ts";
import { sizeRail } from "../../../../src/rails/detectors/size/size.ts";

const OPTIONS = { charsMax: 2_000, messagesMax: 3 };
const chat = (...contents: unknown[]) => ({ messages: contents.map((content) => ({ role: "user", content })) });

describe("before anything else, a body is known to be beyond", () => {
  test.each([
    { name: "characters in one text", at: chat("x".repeat(2_000)), beyond: chat("x".repeat(2_000), "y") },
    { name: "characters over many", at: chat("x ".repeat(999), "yz"), beyond: chat("x ".repeat(999), "xyz") },
    { name: "messages", at: chat("a", "b", "c"), beyond: chat("a", "b", "c", "d") },
    {
      name: "texts",
      at: { prompt: Array.from({ length: TEXT_PARTS_MAX }, () => "") },
      beyond: { prompt: Array.from({ length: TEXT_PARTS_MAX + 1 }, () => "a") },
    },
  ])("the bound of $name, and not at it", ({ at, beyond }) => {
    expect(surelyBeyond(at, OPTIONS)).toBeNull();
    expect(surelyBeyond(beyond, OPTIONS)).toMatch(/^size:/);
  });

  test.each(["messages", "metadata", "tools"])("of names in %s, which are texts too, and not at it", (member) => {
    const named = (count: number) => ({
      ...chat("a"),
      [member]: Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, 1])),
    });
    const beyond = named(TEXT_PARTS_MAX + KNOWN_NAMES.size + 2);
    expect(surelyBeyond(named(TEXT_PARTS_MAX), { charsMax: 2_000_000, messagesMax: 3 })).toBeNull();
    expect(surelyBeyond(beyond, OPTIONS)).toBe("size:too_many_parts");
    expect(sizeRail(extractTextParts(beyond), OPTIONS).reasons).toContain("size:too_many_parts");
  });

  test("and nothing is said of media, of what stands beside the texts, or of a body of few bytes", () => {
    const long = "x y ".repeat(1_000);
    expect(surelyBeyond(chat([{ type: "image_url", image_url: { url: long } }]), OPTIONS)).toBeNull();
    expect(surelyBeyond(chat([{ image: "", note: "QUJD".repeat(1_000) }]), OPTIONS)).toBeNull();
    expect(surelyBeyond({ ...chat("a"), metadata: long }, OPTIONS)).toBeNull();
    expect(surelyBeyond({ input: "AAAA".repeat(1_000) }, OPTIONS, true)).toBeNull();
    expect(surelyBeyond(long, OPTIONS)).toBeNull();
    expect(surelyBeyond(chat(long), OPTIONS, false, OPTIONS.charsMax)).toBeNull();
  });
});

test("what is refused first, the rail refuses in full, whatever the body", () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "base64",
      "image",
      "x ".repeat(60),
      "QUJD".repeat(300),
      "AAAA".repeat(300),
      "data:image/png;base64,QUJD",
    ),
  );
  const member = fc.constantFrom("messages", "prompt", "tools", "role", "type", "content", "image", "data", "user");
  const { body } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, text, fc.integer(), fc.constant(null), tie("list"), tie("body")),
    list: fc.array(tie("value"), { maxLength: 4 }),
    body: fc.dictionary(member, tie("value"), { maxKeys: 4 }),
  }));
  const options = { charsMax: 100, messagesMax: 2 };
  fc.assert(
    fc.property(body, fc.boolean(), (anyBody, everyMember) => {
      const reason = surelyBeyond(anyBody, options, everyMember);
      if (reason === null) return;
      expect(sizeRail(extractTextParts(anyBody, everyMember), options).reasons).toContain(reason);
    }),
  );
});
