/** The colours of the page, read from its stylesheet: WCAG 2.2, 1.4.3 (text) and 1.4.11 (graphics), light and dark. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const css = readFileSync(new URL("../../dashboard/styles/tokens.css", import.meta.url), "utf8");

type Theme = "light" | "dark";

const tokens = new Map(
  [...css.matchAll(/--([\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\);/g)].map(
    ([, name = "", light = "", dark = ""]) => [name, { light, dark }],
  ),
);

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string, theme: Theme): number {
  const [first, second] = [one, other].map((name) => luminance(tokens.get(name)?.[theme] ?? ""));
  const [low = NaN, high = NaN] = [first ?? NaN, second ?? NaN].toSorted((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const GROUNDS = ["bg", "surface", "surface-2"];
const STATES = ["ok", "warn", "bad", "cool", "away", "dim"];
const TEXT: readonly (readonly [text: string, grounds: readonly string[]])[] = [
  ["ink", [...GROUNDS, "ok-bg", "warn-bg", "bad-bg", "accent-bg"]],
  ["ink-2", [...GROUNDS, "ok-bg", "accent-bg"]],
  ["accent", [...GROUNDS, "accent-bg"]],
  ["accent-ink", ["accent"]],
  ["ok", ["ok-bg"]],
  ["warn", ["warn-bg"]],
  ["bad", ["bad-bg"]],
  ...STATES.map((state) => [state, [...GROUNDS, "accent-bg"]] as const),
];
const GRAPHICS: readonly (readonly [graphic: string, grounds: readonly string[]])[] = [
  ["edge", ["surface", "bg"]],
  ["focus", [...GROUNDS, "accent-bg"]],
  ...STATES.map((state) => [state, ["land"]] as const),
  ...["accent", ...[1, 2, 3, 4, 5].map((at) => `series-${at}`)].map((line) => [line, ["surface", "bg"]] as const),
];

describe.each<Theme>(["light", "dark"])("in the %s theme", (theme) => {
  test.each(TEXT.flatMap(([text, grounds]) => grounds.map((ground) => [text, ground] as const)))(
    "text of --%s on --%s has 4.5:1",
    (text, ground) => expect(contrast(text, ground, theme)).toBeGreaterThanOrEqual(4.5),
  );
  test.each(GRAPHICS.flatMap(([graphic, grounds]) => grounds.map((ground) => [graphic, ground] as const)))(
    "a graphic of --%s on --%s has 3:1",
    (graphic, ground) => expect(contrast(graphic, ground, theme)).toBeGreaterThanOrEqual(3),
  );
});
