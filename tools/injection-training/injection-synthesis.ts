/**
 * Decides which texts the injection model is trained on besides the sets of `--data`: templates of our own, filled in.
 *
 * Model. Every kind of text has a share; a text of a kind is a template with random fillings, now and then in other
 * letters (all capitals, no punctuation), and attacks are also hidden among harmless sentences, since that is where
 * real ones stand. The same seed gives the same texts.
 * Rejected: downloading collections of attacks, which mix licences and are what models of this kind are measured on.
 */
import type { Origin } from "../../src/rails/detectors/injection/injection-model.ts";
import type { Rng } from "../../src/lib/rng.ts";
import {
  ATTACK_DETAILS,
  ATTACK_SLOTS,
  BARE_ATTACKS,
  PLANTED_ATTACKS,
  SHORT_ATTACKS,
} from "./injection-attack-texts.ts";
import { AGENT_GOALS, AGENT_HARMLESS, AGENT_ORDERS, AGENT_REQUESTS, AGENT_SLOTS } from "./injection-agent-texts.ts";
import { BENIGN_SLOTS, ORDINARY, SECURITY_BENIGN, SYSTEM_BENIGN, TRIGGER_BENIGN } from "./injection-benign-texts.ts";
import { carried, namesOf } from "./injection-carriers.ts";
import { DOCUMENTS } from "./injection-document-texts.ts";
import { EUROPE_BENIGN } from "./injection-europe-texts.ts";
import {
  GOOD_STORIES,
  GOODS,
  HARM_SLOTS,
  HARMS,
  SIGN_QUESTIONS,
  STORIES,
  STORY_SLOTS,
} from "./injection-harm-texts.ts";
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
export type Example = {
  readonly text: string;
  readonly label: 0 | 1;
  readonly set: string;
  /** What of the text is the attack, so that nothing is learned from the rest. Absent: all of it. */
  readonly attack?: { readonly start: number; readonly end: number };
};

/** How deep slots may lie in slots; the templates need three. */
const SLOT_DEPTH_MAX = 6;

/** Of a document around an order that is put into it, in UTF-16 units. */
const PLANTED_AROUND_CHARS = 700;

const NONE: ReadonlyMap<string, string> = new Map();

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

type Slots = ReadonlyMap<string, readonly string[]>;

/** Slots of their own: names such as `place` are taken above. */
const AGENT: Slots = slotsOf(AGENT_SLOTS, { goal: linesOf(AGENT_GOALS) });
const STORY: Slots = slotsOf({ ...HARM_SLOTS, ...STORY_SLOTS }, { harm: linesOf(HARMS), good: linesOf(GOODS) });
const AGENT_LINES = {
  orders: linesOf(AGENT_ORDERS),
  requests: linesOf(AGENT_REQUESTS),
  harmless: linesOf(AGENT_HARMLESS),
  goals: linesOf(AGENT_GOALS),
};
const STORY_LINES = { bad: linesOf(STORIES), good: linesOf(GOOD_STORIES), signs: linesOf(SIGN_QUESTIONS) };

type Share = readonly [set: string, label: 0 | 1, perMille: number, make: (rng: Rng) => string];

/**
 * For each thousand texts that are asked for, how many are of each kind. Most are harmless, as their variety is
 * greater.
 */
const SHARES: readonly Share[] = [
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
  ["languages", 0, 240, languageText],
  ["documents", 0, 110, documentText],
  ["long-benign", 0, 70, longBenign],
  ["narrative", 0, 60, narrative],
  ["list", 0, 25, wordList],
  ["names", 0, 25, namesOf],
  ["system", 0, 30, systemText],
  ["story", 1, 80, (rng) => fill(pick(STORY_LINES.bad, rng), rng, NONE, STORY)],
  ["good-story", 0, 110, (rng) => fill(pick(STORY_LINES.good, rng), rng, NONE, STORY)],
  ["signs", 0, 30, signQuestion],
  ["agent", 1, 100, (rng) => inCarrier(rng, agentOrder(rng))],
  ["agent-request", 1, 50, (rng) => carried(agentRequest(rng), { rng, sentence: () => harmlessSentence(rng) })],
  ["user-request", 0, 40, agentRequest],
  ["agent-harmless", 0, 220, agentHarmless],
];

/** What a tool brings: here a request is an order from a stranger too, with nothing around it. */
const TOOL_SHARES: readonly Share[] = [
  ...SHARES.filter(([set]) => set !== "user-request" && set !== "agent" && set !== "agent-request"),
  ["agent", 1, 220, (rng) => inCarrier(rng, rng() < 0.4 ? agentRequest(rng) : agentOrder(rng))],
];

/** Texts of all kinds, somewhat more than `count`. */
export function synthesise(rng: Rng, count: number, origin: Origin = "user"): Example[] {
  return (origin === "tool" ? TOOL_SHARES : SHARES).flatMap(([set, label, perMille, make]) =>
    Array.from({ length: Math.ceil((count * perMille) / 1000) }, () => ({
      text: inOtherLetters(make(rng), rng),
      label,
      set,
    })),
  );
}

/** Orders in the middle of `pieces` of documents, with a few lines of them around. */
export function plantedIn(pieces: readonly Example[], rng: Rng, count: number): Example[] {
  return Array.from({ length: count }, () => {
    const { text } = pick(pieces, rng);
    const at = int(rng, Math.max(1, text.length - PLANTED_AROUND_CHARS));
    const lines = text.slice(at, at + PLANTED_AROUND_CHARS).split("\n");
    const split = int(rng, lines.length + 1);
    const before = `${lines.slice(0, split).join("\n")}\n`;
    const order = inOtherLetters(agentOrder(rng), rng);
    const attack = { start: before.length, end: before.length + order.length };
    return { text: `${before}${order}\n${lines.slice(split).join("\n")}`, label: 1, set: "planted", attack };
  });
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

/** An order to the assistant. */
function agentOrder(rng: Rng): string {
  if (rng() < 0.8) return fill(pick(AGENT_LINES.orders, rng), rng, NONE, AGENT);
  return fillOne(pick(["short", "planted", "bare"] as const, rng), rng);
}

/** What a user may ask for, and nobody else. */
function agentRequest(rng: Rng): string {
  return fill(pick(AGENT_LINES.requests, rng), rng, NONE, AGENT);
}

function inCarrier(rng: Rng, order: string, share = 0.85): string {
  return rng() < share ? carried(order, { rng, sentence: () => harmlessSentence(rng) }) : order;
}

function signQuestion(rng: Rng): string {
  const question = pick(STORY_LINES.signs, rng);
  return rng() < 0.5 ? question : `${fillOne("ordinary", rng)} ${question}`;
}

/** The same carriers with sentences that order a person, or that an agent may well be asked for. */
function agentHarmless(rng: Rng): string {
  const sentence = rng() < 0.8 ? harmlessSentence(rng) : `${fill(pick(AGENT_LINES.goals, rng), rng, NONE, AGENT)}.`;
  return rng() < 0.1 ? sentence : carried(sentence, { rng, sentence: () => harmlessSentence(rng) });
}

function harmlessSentence(rng: Rng): string {
  const draw = rng();
  if (draw < 0.5) return fill(pick(AGENT_LINES.harmless, rng), rng, NONE, AGENT);
  if (draw < 0.8) return pick(DOCUMENT_SENTENCES, rng);
  return fillOne(pick(["ordinary", "mail", "trigger"] as const, rng), rng);
}

function slotsOf(slots: Readonly<Record<string, string>>, lists: Readonly<Record<string, readonly string[]>>): Slots {
  return new Map([
    ...Object.entries(slots).map(([name, all]) => [name, all.split("|")] as const),
    ...Object.entries(lists),
  ]);
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
export function fill(template: string, rng: Rng, fixed: ReadonlyMap<string, string>, slots: Slots = SLOTS): string {
  let text = template;
  for (let depth = 0; depth < SLOT_DEPTH_MAX && text.includes("{"); depth += 1) {
    text = text.replace(/\{([a-z]+)\}/gi, (slot, name: string) => {
      const fillings = slots.get(name);
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
