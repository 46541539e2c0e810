import { describe, expect, test } from "vitest";
import { isMediaText, MEDIA_CHARS_MIN } from "../../../../src/rails/core/text/media-text.ts";
import { sizeRail } from "../../../../src/rails/detectors/size/size.ts";
import { extractTextParts } from "../../../../src/rails/core/text/text-parts.ts";
import { tokensRail } from "../../../../src/rails/detectors/tokens/tokens.ts";

const photo = Buffer.alloc(3_000, 7).toString("base64");

const isMedia = (text: string, everyMember = true): boolean => isMediaText(everyMember, text);

describe("in a body of unknown shape", () => {
  test.each([
    ["base64", photo, true],
    ["base64 with its padding", `${photo}==`, true],
    ["base64 for URLs", "a-_9".repeat(300), true],
    ["a data URL", `data:image/png;base64,${photo}`, true],
    ["a data URL that is not base64", `data:text/plain,${"word".repeat(300)}`, false],
    ["a data URL with text in it", `data:image/png;base64,${photo} and now`, false],
    ["prose", "a word and ".repeat(200), false],
    ["base64 in lines", `${photo}\n${photo}`, false],
    ["padding in the middle", `${photo}==${photo}`, false],
    ["as much as counts as text", "A".repeat(MEDIA_CHARS_MIN - 1), false],
    ["one character more", "A".repeat(MEDIA_CHARS_MIN), true],
  ])("%s is media or not", (_, text, is) => {
    expect(isMedia(text)).toBe(is);
  });

  test("media count as no text for the bounds, and stay texts for every other rail", () => {
    const input = extractTextParts({ input: { image: photo, prompt: "what is it?" } }, true);
    expect(sizeRail(input, { charsMax: 11 }).reasons).toEqual([]);
    expect(sizeRail(input, { charsMax: 10 }).reasons).toContain("size:chars");
    expect(tokensRail(input, { tokensMax: 10 }).reasons).toEqual([]);
    expect(input.parts.map(({ text }) => text)).toContain(photo);
    expect(input.unseen).toEqual(["media"]);
    expect(extractTextParts({ input: { picture: photo } }, true).unseen).toEqual(["media"]);
  });
});

test("where the shape is known, a text is a text", () => {
  expect(isMedia(photo, false)).toBe(false);
  const input = extractTextParts({ messages: [{ role: "user", content: photo }] });
  expect(sizeRail(input, { charsMax: 100 }).reasons).toContain("size:chars");
});
