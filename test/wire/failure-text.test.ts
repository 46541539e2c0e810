import { describe, expect, test } from "vitest";
import { formsOf } from "../../src/wire/credential-forms.ts";
import { FAILURE_BYTES_MAX, failureText } from "../../src/wire/failure-text.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
/** Whatever of it is base64, decoded. */
const decodedParts = (text: string) =>
  text
    .split(/[^A-Za-z0-9+/]/)
    .map((part) => Buffer.from(part, "base64").toString())
    .join(" ");
const key = `sk-${"a1B2c3D4".repeat(6)}`;

describe("what is shown of a failure", () => {
  test("is the start of the answer as it came", () => {
    expect(failureText('{"error":"CUDA out of memory"}')).toBe('{"error":"CUDA out of memory"}');
  });

  test("is nothing of an empty answer", () => {
    expect(failureText("")).toBe("");
  });

  test("holds no credential that the endpoint quotes, of whatever form", () => {
    const text = failureText("Incorrect API key provided: hunter22, try again", formsOf("hunter22"));
    expect(text).toBe("Incorrect API key provided: [REDACTED:credential], try again");
  });

  test.each(["", "a:", "Bearer "])("holds no credential in base64, behind %j", (before) => {
    for (const encoded of [btoa(`${before}hunter22`), btoa(`${before}hunter22, and more`)]) {
      const text = failureText(`it got ${encoded}`, formsOf("hunter22"));
      expect(text).toContain("[REDACTED:credential]");
      expect(decodedParts(text)).not.toContain("hunter22");
    }
  });

  test("is not searched for a credential that is as short as a word", () => {
    expect(failureText("the end", formsOf("the"))).toBe("the end");
  });

  test("holds no key and no personal data, also where the cut goes through them", () => {
    const text = failureText(`${"x".repeat(FAILURE_BYTES_MAX - 20)} ${key} anna.bauer@example.org`);
    expect(text).not.toContain("sk-");
    expect(failureText("mail anna.bauer@example.org")).toBe("mail [REDACTED:email]");
  });

  test("is one line, whatever control characters the answer holds", () => {
    expect(failureText('a\r\n{"event":"forged"}\u001B[31mred\u202Eback\u0000')).toBe(
      'a {"event":"forged"} [31mred back',
    );
  });

  test.each([
    { text: "a".repeat(FAILURE_BYTES_MAX), kept: FAILURE_BYTES_MAX },
    { text: "a".repeat(FAILURE_BYTES_MAX + 1), kept: FAILURE_BYTES_MAX },
    { text: `${"a".repeat(FAILURE_BYTES_MAX - 1)}é`, kept: FAILURE_BYTES_MAX - 1 },
  ])("is at most FAILURE_BYTES_MAX bytes, and no half character ($kept)", ({ text, kept }) => {
    expect(bytes(failureText(text)).byteLength).toBe(kept);
    expect(failureText(text)).not.toContain("\uFFFD");
  });
});
