import { describe, expect, test } from "vitest";
import { railResult, REQUEST_HEADERS, REQUEST_TARGET } from "../../../src/rails/core/rail.ts";
import { extractTextParts } from "../../../src/rails/core/text/text-parts.ts";
import { piiRail } from "../../../src/rails/detectors/pii/pii.ts";
import { secretsRail } from "../../../src/rails/detectors/secrets/secrets.ts";

const KEY = `AKIA${"Q4F5BNZSWAIK7GLP"}`;
const redacting = { rail: "r", action: "redact" } as const;

/** What is found, as it stands in the text. */
function found(body: unknown, rail = secretsRail): Readonly<Record<string, readonly string[]>> {
  const input = extractTextParts(body);
  const textOf = new Map(input.parts.map(({ path, text }) => [path, text]));
  return Object.fromEntries(
    [...rail(input).spans].map(([path, spans]) => [
      path,
      spans.map(({ start, end }) => textOf.get(path)?.slice(start, end) ?? ""),
    ]),
  );
}

describe("a finding is told where it stands", () => {
  const base64 = Buffer.from(`my key is ${KEY}`).toString("base64");
  test.each([
    ["in base64, as the whole run", `read ${base64} now`, base64],
    ["behind escapes", `read ${KEY.replace("Q", "\\u0051")} now`, KEY.replace("Q", "\\u0051")],
    ["in disguise", `read ${KEY.replace("K", "\u041a")} now`, KEY.replace("K", "\u041a")],
    ["with its letters apart", `read ${KEY.split("").join(" ")} now.`, KEY.split("").join(" ")],
  ])("%s", (_, prompt, stands) => {
    expect(found({ prompt })).toEqual({ prompt: [stands] });
  });

  test("over parts of a message, in each of them", () => {
    const content = [
      { type: "text", text: `key ${KEY.slice(0, 9)}` },
      { type: "text", text: `${KEY.slice(9)} ok` },
    ];
    expect(found({ messages: [{ role: "user", content }] })).toEqual({
      "messages[0].content[0].text": [KEY.slice(0, 9)],
      "messages[0].content[1].text": [KEY.slice(9)],
    });
  });

  const github = `ghp_${"a8Kq2LmZ9xTb4VnR7cWdYf3Gh6Jk1Ps5Ru0E"}`;
  test.each([
    ["and a word of the next text is no part of it", "nothing else", undefined],
    ["and what looks like the rest of it is", "x7Bq2 ok", ["x7Bq2"]],
  ])("as a key that is one by itself, %s", (_, next, rest) => {
    const messages = [`key ${github}`, next].map((content) => ({ role: "user", content }));
    const spans = found({ messages });
    expect(spans["messages[0].content"]).toEqual([github]);
    expect(spans["messages[1].content"]).toEqual(rest);
  });

  test("in the name of a member", () => {
    expect(found({ metadata: { [KEY]: 1 } })).toEqual({ [`{"${KEY}"}`]: [KEY] });
  });
});

describe("what cannot be written anew", () => {
  test("as a number is left by a rail that redacts, which says flag", () => {
    const input = extractTextParts({ card: 4111111111111111 });
    const result = railResult(redacting, piiRail(input), 0);
    expect([result.verdict, [...result.spans.values()].flat().map(({ action }) => action)]).toEqual(["flag", ["flag"]]);
    expect(railResult({ ...redacting, action: "block" }, piiRail(input), 0).verdict).toBe("block");
  });

  test("does not keep the rest from being redacted", () => {
    const input = extractTextParts({ card: 4111111111111111, prompt: "card 4111111111111111" });
    const result = railResult(redacting, piiRail(input), 0);
    expect(result.verdict).toBe("redact");
    expect(result.spans.get("card#")?.[0]?.action).toBe("flag");
    expect(result.spans.get("prompt")?.[0]?.action).toBe("redact");
  });

  test.each([REQUEST_TARGET, REQUEST_HEADERS])("as what is sent beside the body (%s) is read", (path) => {
    const beside = [{ path, role: "user", text: `a\n${Buffer.from(`key ${KEY}`).toString("base64")}` }];
    const input = extractTextParts({ prompt: "a" }, false, undefined, beside);
    expect(railResult(redacting, secretsRail(input), 0).verdict).toBe("flag");
    expect(railResult({ ...redacting, action: "block" }, secretsRail(input), 0).verdict).toBe("block");
  });
});
