/**
 * Writes the letters that look like ASCII ones, each in its own case.
 *
 * Model. Unicode's confusables map a letter to the one that stands for its shape; marks (strokes and hooks too, which
 * they write as marks) are put aside. Two letters look alike if that gives the same. Small capitals and a few more
 * Latin letters stand for a shape of their own there; they are read as the letter that they are a form of, and so is
 * what looks like them: Cyrillic letters like в and н are small capitals. Capital I and small l are one shape there: a
 * capital letter with it is an I. Taken are letters of the five scripts that have ASCII's shapes and are in use; what
 * NFKC or NFD changes is not, because rails match after both (of other scripts than Latin NFKC's are, since a
 * redaction reads what was sent).
 * Source: docs/reference/sources.md, Detectors. Case and scripts are those of the Node that the project runs on.
 * Rejected: the full list (6,000 rows), most of which no font draws alike; Unicode's single step, which makes rn of m.
 */
import CONFUSABLES from "unhomoglyph/data.json" with { type: "json" };
import type { Generated } from "../cli/generated.ts";
import { versionOf } from "./package-version.ts";
import { isDiacritic } from "../../src/rails/core/text/diacritic.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** Latin letters, and a few that nobody reads otherwise in a Latin word, as forms of an ASCII letter. */
const FORMS: readonly (readonly [letters: string, of: string])[] = [
  ["ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz"],
  ["ƈɛȷŋɾμω", "cejnruw"],
];

/** Unicode has the small palochka as an i; the word that it is known for is аррӏе. */
const OTHERWISE: ReadonlyMap<string, string> = new Map([["ӏ", "l"]]);

const SCRIPTS = /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Armenian}\p{Script=Cherokee}]$/u;

export const lookAlikes: Generated = {
  path: "src/rails/core/text/look-alikes.ts",
  source: "unhomoglyph",
  text: () => {
    const rows = new Map<string, string>();
    for (const [letter, ascii] of found()) rows.set(ascii, (rows.get(ascii) ?? "") + letter);
    const lines = [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([ascii, all]) => `  ${ascii}: "${all}",`);
    return [
      "/**",
      " * Made by `npm run tables`: letters that look like the one of ASCII before them.",
      ` * Source: Unicode's confusables.txt 13.0.0 (Unicode License), as unhomoglyph ${versionOf("unhomoglyph")} (MIT) has it.`,
      " */",
      "export const LOOK_ALIKES: Readonly<Record<string, string>> = {",
      ...lines,
      "};",
      "",
    ].join("\n");
  },
};

function found(): (readonly [letter: string, ascii: string])[] {
  const confusables: Readonly<Record<string, string>> = CONFUSABLES;
  const shapeOf = (char: string): string => [...bare(char)].map((part) => bare(confusables[part] ?? part)).join("");
  const shapes = new Map<string, string>();
  const add = (char: string, ascii: string): void => {
    // The first one counts: ASCII's own.
    if (!shapes.has(shapeOf(char))) shapes.set(shapeOf(char), ascii);
  };
  for (const letter of LETTERS + LETTERS.toUpperCase()) add(letter, letter);
  for (const [letters, of] of FORMS) [...letters].forEach((letter, at) => add(letter, of.charAt(at)));
  return lettersInUse().flatMap((letter) => {
    const ascii = OTHERWISE.get(letter) ?? shapes.get(shapeOf(letter));
    if (ascii === undefined) return [];
    return [[letter, ascii === "l" && letter !== letter.toLowerCase() ? "I" : ascii] as const];
  });
}

/** What is left when its marks are off. */
function bare(text: string): string {
  return [...text.normalize("NFD")].filter((char) => !isDiacritic(char.charCodeAt(0))).join("");
}

/** Of the first plane: what is beyond it has no shape of ASCII that NFKC does not take away. */
function lettersInUse(): string[] {
  return Array.from({ length: 0xd800 - 0x80 }, (_, at) => String.fromCharCode(at + 0x80))
    .concat(Array.from({ length: 0x1_0000 - 0xe000 }, (_, at) => String.fromCharCode(at + 0xe000)))
    .filter((char) => SCRIPTS.test(char) && /\p{Letter}/u.test(char) && char.normalize("NFD") === char)
    .filter((char) => !/\p{Script=Latin}/u.test(char) || char.normalize("NFKC") === char);
}
