/**
 * Decides which texts the injection model is trained on besides the sets of `--data`: templates of our own, filled in.
 *
 * Model. Every kind of text has a share; a text of a kind is a template with random fillings, now and then in other
 * letters (all capitals, no punctuation), and attacks are also hidden among harmless sentences, since that is where
 * real ones stand. The same seed gives the same texts.
 * Rejected: downloading collections of attacks, which mix licences and are what models of this kind are measured on.
 */
import type { Rng } from "../../src/lib/rng.ts";
import {
  ATTACK_DETAILS,
  ATTACK_SLOTS,
  BARE_ATTACKS,
  PLANTED_ATTACKS,
  SHORT_ATTACKS,
} from "./injection-attack-texts.ts";
import { BENIGN_SLOTS, ORDINARY, SECURITY_BENIGN, SYSTEM_BENIGN, TRIGGER_BENIGN } from "./injection-benign-texts.ts";
import { DOCUMENTS } from "./injection-document-texts.ts";
import { EUROPE_BENIGN } from "./injection-europe-texts.ts";
import {
  CLOSINGS,
  FORMATS,
  FREEDOM,
  GAMES,
  JAILBREAK_SLOTS,
  OBEDIENCE,
  OPENINGS,
} from "./injection-jailbreak-texts.ts";
import { FOREIGN_ATTACKS, FOREIGN_BENIGN, FOREIGN_TRIGGERS } from "./injection-language-texts.ts";
import {
  EVEN_MORE_OPENINGS,
  EVEN_MORE_RULES,
  FICTION,
  LISTED_WORDS,
  MAILS,
  MORE_OPENINGS,
  MORE_RULES,
  PROSE,
} from "./injection-long-texts.ts";
import { WORLD_BENIGN } from "./injection-world-texts.ts";

/** `set` says what kind of text it is; the trainer reports and weighs by it. */
export type Example = { readonly text: string; readonly label: 0 | 1; readonly set: string };

/** How deep slots may lie in slots; the templates need three. */
const SLOT_DEPTH_MAX = 6;

const SLOTS: ReadonlyMap<string, readonly string[]> = new Map(
  [ATTACK_SLOTS, ATTACK_DETAILS, JAILBREAK_SLOTS, BENIGN_SLOTS].flatMap((slots) =>
    Object.entries(slots).map(([name, fillings]) => [name, fillings.split("|")] as const),
  ),
);

const LISTS = {
  short: linesOf(SHORT_ATTACKS),
  bare: linesOf(BARE_ATTACKS),
  planted: linesOf(PLANTED_ATTACKS),
  foreignAttack: linesOf(FOREIGN_ATTACKS),
  ordinary: linesOf(ORDINARY),
  security: linesOf(SECURITY_BENIGN),
  trigger: linesOf(TRIGGER_BENIGN),
  system: linesOf(SYSTEM_BENIGN),
  foreignBenign: linesOf(FOREIGN_BENIGN + FOREIGN_TRIGGERS),
  mail: linesOf(MAILS),
  fiction: linesOf(FICTION),
  prose: linesOf(PROSE),
  opening: linesOf(OPENINGS + MORE_OPENINGS + EVEN_MORE_OPENINGS),
  freedom: linesOf(FREEDOM + MORE_RULES + EVEN_MORE_RULES),
  obedience: linesOf(OBEDIENCE + MORE_RULES + EVEN_MORE_RULES),
  game: linesOf(GAMES),
  format: linesOf(FORMATS),
  closing: linesOf(CLOSINGS),
} as const;

/** Of the lines of a language, and of the documents, every fifth is measured on and never trained on. */
const HELD_OUT_EVERY = 5;

const LANGUAGES: readonly (readonly string[])[] = [...Object.values(WORLD_BENIGN), ...Object.values(EUROPE_BENIGN)].map(
  linesOf,
);
const TRAINED_LANGUAGES = LANGUAGES.map((lines) => lines.filter((_, index) => !isHeldOut(index)));
const TRAINED_DOCUMENTS = linesOf(DOCUMENTS).filter((_, index) => !isHeldOut(index));

const DOCUMENT_SENTENCES = TRAINED_DOCUMENTS.flatMap((paragraph) => paragraph.split(/(?<=[.!?]) /));

type ListName = keyof typeof LISTS;

/**
 * For each thousand texts that are asked for, how many are of each kind. Most are harmless, as their variety is
 * greater.
 */
const SHARES: readonly (readonly [set: string, label: 0 | 1, perMille: number, make: (rng: Rng) => string])[] = [
  ["short", 1, 110, (rng) => fillOne("short", rng)],
  ["bare", 1, 80, (rng) => fillOne("bare", rng)],
  ["hidden", 1, 60, hiddenAttack],
  ["planted", 1, 55, plantedAttack],
  ["foreign-attack", 1, 60, (rng) => fillOne("foreignAttack", rng)],
  ["jailbreak", 1, 140, jailbreak],
  ["ordinary", 0, 150, (rng) => fillOne("ordinary", rng)],
  ["security", 0, 150, (rng) => fillOne("security", rng)],
  ["trigger", 0, 150, (rng) => fillOne("trigger", rng)],
  ["foreign", 0, 110, (rng) => fillOne("foreignBenign", rng)],
  ["languages", 0, 130, languageText],
  ["documents", 0, 80, documentText],
  ["long-benign", 0, 70, longBenign],
  ["narrative", 0, 60, narrative],
  ["list", 0, 25, wordList],
  ["system", 0, 30, systemText],
];

/** Texts of all kinds, somewhat more than `count`. */
export function synthesise(rng: Rng, count: number): Example[] {
  return SHARES.flatMap(([set, label, perMille, make]) =>
    Array.from({ length: Math.ceil((count * perMille) / 1000) }, () => ({
      text: inOtherLetters(make(rng), rng),
      label,
      set,
    })),
  );
}

/** Harmless lines that are in no training text, one by one and all of a language in a row. */
export function heldOutTexts(): Example[] {
  const held = LANGUAGES.map((lines) => lines.filter((_, index) => isHeldOut(index)));
  const documents = linesOf(DOCUMENTS).filter((_, index) => isHeldOut(index));
  const asExamples = (set: string, texts: readonly string[]): Example[] =>
    texts.map((text) => ({ text, label: 0 as const, set }));
  return [
    ...asExamples("languages", held.flat()),
    ...asExamples(
      "languages, in a row",
      held.map((lines) => lines.join(" ")),
    ),
    ...asExamples("documents", documents),
  ];
}

function isHeldOut(index: number): boolean {
  return index % HELD_OUT_EVERY === HELD_OUT_EVERY - 1;
}

function fillOne(name: ListName, rng: Rng): string {
  return fill(pick(LISTS[name], rng), rng, new Map());
}

/** An attack between harmless sentences. */
function hiddenAttack(rng: Rng): string {
  const before = some("ordinary", rng, 1 + int(rng, 3));
  const attack = fillOne(rng() < 0.8 ? "short" : "foreignAttack", rng);
  const after = rng() < 0.4 ? some("ordinary", rng, 1 + int(rng, 2)) : [];
  return [...before, attack, ...after].join(rng() < 0.3 ? "\n\n" : " ");
}

function plantedAttack(rng: Rng): string {
  const attack = fillOne("planted", rng);
  if (rng() < 0.4) return attack;
  return [...some("ordinary", rng, 1 + int(rng, 3)), attack, ...some("ordinary", rng, int(rng, 2))].join("\n");
}

/** A persona keeps its name throughout, hence one set of fixed fillings. */
function jailbreak(rng: Rng): string {
  const fixed = new Map([["name", pick(SLOTS.get("name") ?? [], rng)]]);
  const take = (name: ListName, count: number): string[] =>
    sample(LISTS[name], rng, count).map((template) => fill(template, rng, fixed));
  // The worst window alone teaches: texts of few sentences are what makes each sentence count.
  if (rng() < 0.5) {
    const rules = shuffle([...take("freedom", 1), ...take("obedience", 2), ...take("closing", 1)], rng);
    return [...take("opening", int(rng, 2)), ...rules.slice(0, 2 + int(rng, 2))].join(" ");
  }
  const body = shuffle([...take("freedom", 1 + int(rng, 5)), ...take("obedience", 1 + int(rng, 5))], rng);
  const tail = [...take("game", rng() < 0.35 ? 1 : 0), ...take("format", rng() < 0.6 ? 1 : 0), ...take("closing", 1)];
  const drop = rng() < 0.2 ? [fillOne("short", rng)] : [];
  return [...drop, ...take("opening", 1), ...body, ...tail].join(rng() < 0.3 ? "\n" : " ");
}

function longBenign(rng: Rng): string {
  const lists: readonly ListName[] = ["ordinary", "ordinary", "trigger", "security", "foreignBenign"];
  const name = pick(lists, rng);
  return some(name, rng, 3 + int(rng, 8)).join(rng() < 0.4 ? "\n" : " ");
}

/** One language, one line or many: the longer the text, the worse its worst window, which is what is learned from. */
function languageText(rng: Rng): string {
  const lines = pick(TRAINED_LANGUAGES, rng);
  const count = rng() < 0.3 ? 1 : 2 + int(rng, rng() < 0.5 ? 6 : 40);
  const joint = pick([" ", " ", "", "\n", "\n\n"], rng);
  return Array.from({ length: count }, () => pick(lines, rng)).join(joint);
}

/** Paragraphs as they are, or sentences of many of them: the model should learn the manner, not the paragraphs. */
function documentText(rng: Rng): string {
  if (rng() < 0.4) return sample(TRAINED_DOCUMENTS, rng, 1 + int(rng, 6)).join(pick(["\n", "\n\n", " "], rng));
  return sample(DOCUMENT_SENTENCES, rng, 4 + int(rng, 40)).join(pick([" ", " ", "\n"], rng));
}

function systemText(rng: Rng): string {
  return some("system", rng, 1 + int(rng, 3)).join("\n");
}

function narrative(rng: Rng): string {
  const lists: readonly ListName[] = ["mail", "fiction", "prose"];
  return some(pick(lists, rng), rng, 1 + int(rng, 3)).join("\n\n");
}

const LISTED = LISTED_WORDS.split(/\s+/);

/** Words that attacks use too, without the sentences that would make them one. */
function wordList(rng: Rng): string {
  const joint = pick([", ", "\n", " | ", "', '", " = ", '",\n  "'], rng);
  return sample(LISTED, rng, 30 + int(rng, 120)).join(joint);
}

function some(name: ListName, rng: Rng, count: number): string[] {
  return Array.from({ length: count }, () => fillOne(name, rng));
}

/** The template with each slot filled; one of `fixed` has the same filling everywhere. */
export function fill(template: string, rng: Rng, fixed: ReadonlyMap<string, string>): string {
  let text = template;
  for (let depth = 0; depth < SLOT_DEPTH_MAX && text.includes("{"); depth += 1) {
    text = text.replace(/\{([a-z]+)\}/g, (slot, name: string) => {
      const fillings = SLOTS.get(name);
      return fixed.get(name) ?? (fillings === undefined ? slot : pick(fillings, rng));
    });
  }
  return rng() < 0.8 ? text.replaceAll("\\n", "\n") : text;
}

function inOtherLetters(text: string, rng: Rng): string {
  const draw = rng();
  if (draw < 0.06) return text.toUpperCase();
  if (draw < 0.16) return text.toLowerCase();
  if (draw < 0.22) return text.replace(/[.,!?;"']/g, "");
  return text;
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

function int(rng: Rng, below: number): number {
  return Math.floor(rng() * below);
}

function pick<Item>(items: readonly Item[], rng: Rng): Item {
  const item = items[int(rng, items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

function sample<Item>(items: readonly Item[], rng: Rng, count: number): Item[] {
  return shuffle(items, rng).slice(0, count);
}

export function shuffle<Item>(items: readonly Item[], rng: Rng): Item[] {
  const shuffled = [...items];
  for (let at = shuffled.length - 1; at > 0; at -= 1) {
    const other = int(rng, at + 1);
    const [one, two] = [shuffled[at], shuffled[other]];
    if (one === undefined || two === undefined) continue;
    shuffled[at] = two;
    shuffled[other] = one;
  }
  return shuffled;
}
