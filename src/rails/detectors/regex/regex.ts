/**
 * The rail `regex`: patterns that the operator wrote.
 *
 * Model. Patterns run in RE2, whose time grows with the text and with the compiled pattern and with nothing else; both
 * are bounded, and so is the number of matches, because to look for the next one may take a walk to the end of the
 * text. What a pattern takes is told by its compiled size and taken from the rail's budget before it runs; a text for
 * which too little is left is not read by it, and the rail says that it was cut. What lies behind the last match that is looked for counts as found: a bound must not be a way around a rule. A
 * pattern sees the text as written and, where that differs, in normal form, so that invisible characters hide nothing.
 * Source: docs/reference/sources.md, Matching in linear time; `re2js`.
 * Rejected: the platform's RegExp, whose time depends on the prompt and which no clock in a Worker can stop.
 */
import { RE2JS } from "re2js";
import { STEPS_PER_PART, takeSteps } from "../../core/budget.ts";
import type { Budget } from "../../core/budget.ts";
import { normalise } from "../../core/text/normalise.ts";
import type { TextForms } from "../../core/text/normalise.ts";
import { findInTexts } from "../../core/find-in-texts.ts";
import type { FoundSpan, RailFindings, RailInput } from "../../core/rail.ts";
import { mayHold, requiredLiterals } from "./regex-literals.ts";
import type { Required } from "./regex-literals.ts";

/** Each pattern reads each text. */
export const PATTERNS_MAX = 64;

/** Longer ones are lists of words, for which there is the rail `topics`. */
export const PATTERN_CHARS_MAX = 1_024;

/** Instructions of a compiled pattern: every character of the text may meet each of them. */
export const PATTERN_PROGRAM_MAX = 1_500;

/** Matches of one pattern in one text. */
export const PATTERN_MATCHES_MAX = 256;

/** Compiled patterns kept by this isolate: those of some pools. Beyond it all are forgotten. */
const COMPILED_MAX = 512;

export type RegexPattern = {
  /** Names the finding: lower case letters, digits, dashes and underscores. */
  readonly name: string;
  /** RE2 syntax: no back references, no looking around. */
  readonly pattern: string;
  /** Of `i` (any case), `m` (`^` and `$` at lines) and `s` (`.` matches a line break). */
  readonly flags?: string;
};

export type RegexOptions = { readonly patterns: readonly RegexPattern[] };

type Usable = {
  readonly re: RE2JS;
  readonly required: Required;
  /** Steps of a character, at most. */
  readonly steps: number;
};

type Compiled = Usable | { readonly problem: string };

/** What is left, and whether it was too little for some pattern and text. */
type Steps = { readonly budget: Budget; isCut: boolean };

const UNBOUNDED: Budget = { stepsLeft: Infinity };

/**
 * Measured with 33 patterns (counted repeats, any case, classes of Unicode) on 17 hostile texts: 5 to 25 ns for each
 * instruction and character, and up to 200 ns more for some of few instructions. A step is 100 ns.
 */
const stepsOf = (programSize: number): number => 2 + programSize / 4;

const compiled = new Map<string, Compiled>();

/** Why the pattern cannot be used, in one sentence for the operator; null if it can. */
export function checkPattern(pattern: string, flags = ""): string | null {
  const result = compile(pattern, flags);
  return "problem" in result ? result.problem : null;
}

/** Why the options cannot be used: the first problem, with the pattern's name; null if they can. */
export function checkRegexOptions({ patterns }: RegexOptions): string | null {
  if (patterns.length > PATTERNS_MAX) return `at most ${PATTERNS_MAX} patterns, here are ${patterns.length}`;
  for (const { name, pattern, flags } of patterns) {
    if (!isName(name)) return `a pattern's name has 1 to 64 of a–z, 0–9, "-" and "_": "${name}" has not`;
    const problem = checkPattern(pattern, flags);
    if (problem !== null) return `pattern "${name}": ${problem}`;
  }
  return null;
}

/**
 * Matches of all patterns in one text, in the order of the patterns; offsets are those of the text as given, the type
 * is the pattern's name. A pattern that does not compile throws: `checkRegexOptions` comes first.
 */
export function findRegex(
  text: string,
  { patterns }: RegexOptions,
  forms?: TextForms,
  steps: Steps = { budget: UNBOUNDED, isCut: false },
): readonly FoundSpan[] {
  if (patterns.length === 0 || text === "") return [];
  if (!takeSteps(steps.budget, STEPS_PER_PART + text.length)) {
    steps.isCut = true;
    return [];
  }
  const normal = normalise(text, forms);
  const lower = text.toLowerCase();
  const lowerNormal = normal.isSame ? lower : normal.text.toLowerCase();
  return patterns.flatMap(({ name, pattern, flags }) => {
    const usable = compiledOf(pattern, flags);
    const found = matches(usable, { text, lower, name, steps });
    if (normal.isSame) return found;
    const inNormal = matches(usable, { text: normal.text, lower: lowerNormal, name, steps }).map((span) => ({
      ...span,
      ...normal.original(span.start, span.end),
    }));
    return [
      ...found,
      ...inNormal.filter((span) => !found.some(({ start, end }) => start === span.start && end === span.end)),
    ];
  });
}

/** Finds the operator's patterns in every part. Reasons are "regex:" and the pattern's name. */
export function regexRail(input: RailInput, options: RegexOptions, budget: Budget = UNBOUNDED): RailFindings {
  const steps: Steps = { budget, isCut: false };
  const spans = findInTexts(input, (text) => findRegex(text, options, input.forms, steps));
  const types = [...spans.values()].flatMap((list) => list.map(({ type }) => `regex:${type}`));
  const findings = { spans, reasons: [...new Set(types)].sort() };
  return steps.isCut ? { ...findings, isCut: true } : findings;
}

/** Does the pattern match somewhere in the text. Throws as `findRegex` does. */
export function testPattern(text: string, pattern: string): boolean {
  return compiledOf(pattern).re.matcher(text).find();
}

type Read = { readonly text: string; readonly lower: string; readonly name: string; readonly steps: Steps };

function matches({ re, required, steps: each }: Usable, { text, lower, name, steps }: Read): FoundSpan[] {
  if (!mayHold(lower, required)) return [];
  if (!takeSteps(steps.budget, each * text.length)) {
    steps.isCut = true;
    return [];
  }
  const matcher = re.matcher(text);
  const found: FoundSpan[] = [];
  for (let tries = 0; matcher.find(); tries += 1) {
    const [start, end] = [matcher.start(), matcher.end()];
    if (tries >= PATTERN_MATCHES_MAX) {
      if (start < text.length) found.push({ start, end: text.length, type: name });
      break;
    }
    // An empty match marks nothing.
    if (end > start) found.push({ start, end, type: name });
  }
  return found;
}

function compiledOf(pattern: string, flags = ""): Usable {
  const result = compile(pattern, flags);
  if ("problem" in result) throw new Error(`a pattern does not compile: ${result.problem}`);
  return result;
}

function compile(pattern: string, flags: string): Compiled {
  const key = `${flags}/${pattern}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  if (compiled.size >= COMPILED_MAX) compiled.clear();
  const result = compileNew(pattern, flags);
  compiled.set(key, result);
  return result;
}

function compileNew(pattern: string, flags: string): Compiled {
  if (pattern === "") return { problem: "it is empty" };
  if (pattern.length > PATTERN_CHARS_MAX) {
    return { problem: `it has ${pattern.length} characters, more than ${PATTERN_CHARS_MAX}` };
  }
  const unknown = [...flags].find((flag) => !"ims".includes(flag));
  if (unknown !== undefined) return { problem: `unknown flag "${unknown}": use i, m, s` };
  const bits = [...flags].reduce((all, flag) => all | flagBit(flag), 0);
  try {
    const re = RE2JS.compile(pattern, bits);
    const size = re.programSize();
    return size <= PATTERN_PROGRAM_MAX
      ? { re, required: requiredLiterals(pattern), steps: stepsOf(size) }
      : { problem: `it compiles to ${size} steps, more than ${PATTERN_PROGRAM_MAX}` };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : "it does not compile" };
  }
}

function flagBit(flag: string): number {
  if (flag === "i") return RE2JS.CASE_INSENSITIVE;
  return flag === "m" ? RE2JS.MULTILINE : RE2JS.DOTALL;
}

const NAME_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789-_";

function isName(name: string): boolean {
  return name.length > 0 && name.length <= 64 && [...name].every((char) => NAME_CHARS.includes(char));
}
