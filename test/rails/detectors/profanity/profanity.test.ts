import { describe, expect, test } from "vitest";
import {
  PROFANITIES_MAX,
  STEM_WORDS_MAX,
  CONFIRMED_WORDS_MAX,
  findProfanity,
  PROFANE_WORD_CHARS_MAX,
  profanityRail,
} from "../../../../src/rails/detectors/profanity/profanity.ts";

const found = (text: string) => findProfanity(text).map(({ start, end }) => text.slice(start, end));

const F = "fuck";
const S = "shit";

describe("a swear word", () => {
  test.each([
    { name: "plain", word: F },
    { name: "with an ending", word: `${F}ing` },
    { name: "in a compound", word: `mother${F}er` },
    { name: "behind a known head", word: `bull${S}` },
    { name: "in capitals", word: S.toUpperCase() },
    { name: "stretched", word: "fuuuuck" },
    { name: "with digits for letters", word: "sh1t" },
    { name: "with signs for letters", word: "@$$hole" },
    { name: "in look-alike letters", word: "fυck" },
    { name: "with an invisible character", word: "fu\u200bck" },
    { name: "with a star", word: "f*ck" },
  ])("$name is found, as a whole word", ({ word }) => {
    expect(found(`What the ${word}, man`)).toEqual([word]);
  });

  test("that is allowed by the operator is not found", () => {
    expect(findProfanity(`holy ${S}`, { allow: [S] })).toEqual([]);
  });

  test("is not looked for in runs of characters that are no words", () => {
    const inRun = (length: number) => found(F + "x".repeat(length - F.length)).length;
    expect([PROFANE_WORD_CHARS_MAX, PROFANE_WORD_CHARS_MAX + 1].map(inRun)).toEqual([1, 0]);
  });

  test("gives a span of the type profanity and one reason", () => {
    const parts = [{ path: "prompt", role: "user", text: `oh ${S}` }];
    expect(profanityRail({ parts, messageCount: 0, unseen: [] })).toEqual({
      spans: new Map([["prompt", [{ start: 3, end: 7, type: "profanity" }]]]),
      reasons: ["profanity"],
    });
  });
});

describe("an ordinary word that contains one", () => {
  const ORDINARY = [
    "Scunthorpe Penistone Lightwater Clitheroe Cockermouth Middlesex Essex Sussex Dickinson Dickens Moby Dick Hitchcock",
    "Hancock Babcock peacock woodcock cocktail cockpit cockroach cockney cockatoo cocky cocker shuttlecock",
    "assess assessment asset assets assume assumption assemble assembly assist assistant associate association assert",
    "assign assignment assure assassin class classic classes pass passage compass mass massive grass glass brass bass",
    "embassy ambassador harass canvass trespass cassette potassium Massachusetts Picasso passion passive Kassel",
    "analysis analyst analog canal banal fundamental title titan titanium entitle institution constitution petite",
    "documentation document cucumber accumulate circumstance cumulative cum laude scum locum vacuum",
    "Fukushima fk_user_id kung fu Fuji fucus confucius tofu shiitake shitake Takeshita pushing mishit sh it",
    "bastion baste bitch-free bite habit rabbit orbit arbiter bit bits ambition bitumen",
    "Niger Nigeria Nigerian nigella snigger denigrate night knight beginning",
    "piston episode pissarro epistle Fagin flagship hooker Montenegro Dyke sextant sexton therapist grapeseed",
    "retardant flame-retardant bollard turducken saturday twattle watt swan Wankel swank wander whoredom-less wharf",
    "slutsk absolute resolution dilute Arsenal arsenic parse sparse coarse hoarse parsed boob-less ape apes A55 45s",
    "raccoon spice chink Thai hentaigana kike-bana Willow organise pawn",
  ].flatMap((words) => words.split(" "));

  test("is not found", () => {
    const wrong = ORDINARY.filter((word) => !["bitch-free", "whoredom-less", "kike-bana"].includes(word)).filter(
      (word) => found(`The ${word} is here.`).length > 0,
    );
    expect(wrong).toEqual([]);
  });

  test("is not found in prose about medicine, law and animals", () => {
    const text =
      "The patient's vagina, penis and anus were examined; sex education, rape law, semen analysis. A cockerel sat in the " +
      "grass. Assess the class: the analyst's assumption passes. The Essex peacock titled the document in Scunthorpe.";
    expect(found(text)).toEqual([]);
  });
});

test("of many different words the library confirms so many, and the rules alone take the rest", () => {
  const words = Array.from({ length: CONFIRMED_WORDS_MAX + 2 }, (_, index) => {
    const letters = [...index.toString(26).padStart(3, "0")].map(
      (digit) => "bdghjklmnpqrtvwxz"[parseInt(digit, 26) % 17],
    );
    return `${letters.join("e")}fuck`;
  });
  const distinct = [...new Set(words)];
  expect(found(distinct.join(" "))).toEqual(distinct);
});

test("hostile texts are read in one pass, whatever they repeat", () => {
  for (const unit of ["f", "fuc", "ass", "class ", "assess ", "(", "*", "f*", "\u0301", "shi t"]) {
    const text = unit.repeat(Math.ceil(200_000 / unit.length));
    expect(findProfanity(text).length, unit).toBeLessThan(2);
  }
});

describe("beyond the bound", () => {
  test("of findings the rest of the text is one", () => {
    const text = `${F} `.repeat(PROFANITIES_MAX + 4);
    expect(findProfanity(`${F} `.repeat(PROFANITIES_MAX)).at(-1)?.end).toBe(5 * PROFANITIES_MAX - 1);
    expect(findProfanity(text)).toHaveLength(PROFANITIES_MAX + 1);
    expect(findProfanity(text).at(-1)).toEqual({ start: 5 * PROFANITIES_MAX, end: text.length, type: "profanity" });
  });

  test("of different words with a stem the rest of the text is a finding", () => {
    const word = (index: number): string =>
      `ass${Array.from(String(index), (digit) => "klmnopqrvw"[Number(digit)]).join("x")} `;
    const words = (count: number): string => Array.from({ length: count }, (_, index) => word(index)).join("");
    expect(findProfanity(words(STEM_WORDS_MAX))).toEqual([]);
    expect(findProfanity(words(STEM_WORDS_MAX + 1))).toHaveLength(1);
  });
});
