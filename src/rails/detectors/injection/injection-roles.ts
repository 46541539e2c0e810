/**
 * Decides where a text imitates the frame of a chat: control tokens, role headings, turns that nobody took.
 *
 * Model. A mark counts as one more class of word (`injection-words.ts`), because by itself it proves nothing: people
 * ask about chat templates and write "System: Ubuntu". What gives a forgery away is what stands beside it, and that the
 * trained weights of pairs of classes say. Every look is at a bounded number of characters.
 * Rejected: blocking at sight of a control token, which refuses every question about one.
 */
import { FIRST_MARK } from "./injection-words.ts";

/** Longest mark that is looked at, in characters: the longest in use has 21. */
export const MARK_CHARS_MAX = 32;

const CONTROL = FIRST_MARK;
const INST = FIRST_MARK + 1;
const ROLE_TAG = FIRST_MARK + 2;
const HEADING = FIRST_MARK + 3;
const SYSTEM_TURN = FIRST_MARK + 4;
const ASSISTANT_TURN = FIRST_MARK + 5;
const USER_TURN = FIRST_MARK + 6;
const JSON_ROLE = FIRST_MARK + 7;
const COMMENT = FIRST_MARK + 8;
const ORDER_TURN = FIRST_MARK + 9;

/** What begins with `<` or `[`, in lower case; a tag may also be a closing one. */
const TAGS: readonly (readonly [literal: string, mark: number])[] = [
  ["<|", CONTROL],
  ["<start_of_turn>", CONTROL],
  ["<end_of_turn>", CONTROL],
  ["<<sys>>", INST],
  ["<</sys>>", INST],
  ["[inst]", INST],
  ["[/inst]", INST],
  ["<system", ROLE_TAG],
  ["</system", ROLE_TAG],
  ["<assistant", ROLE_TAG],
  ["</assistant", ROLE_TAG],
  ["</user", ROLE_TAG],
  ["<instruction", ROLE_TAG],
  ["</instruction", ROLE_TAG],
  ["[system", ROLE_TAG],
  ["[/system", ROLE_TAG],
  ["[assistant]", ROLE_TAG],
  ["(#instructions)", ROLE_TAG],
  ["<!--", COMMENT],
];

/** By their second characters, to say no at once to nearly every bracket. */
const BY_SECOND: ReadonlyMap<number, typeof TAGS> = new Map(
  TAGS.map(([literal]) => literal.charCodeAt(1)).map((second) => [
    second,
    TAGS.filter(([literal]) => literal.charCodeAt(1) === second),
  ]),
);

/** Who a line says it is from, before a colon. */
const TURNS: ReadonlyMap<string, number> = new Map([
  ["system", SYSTEM_TURN],
  ["developer", SYSTEM_TURN],
  ["assistant", ASSISTANT_TURN],
  ["ai", ASSISTANT_TURN],
  ["chatgpt", ASSISTANT_TURN],
  ["user", USER_TURN],
  ["human", USER_TURN],
  ["instruction", ORDER_TURN],
  ["instructions", ORDER_TURN],
]);

const TURN_CHARS_MAX = 12;

/** The mark that begins at `at`, where one of `<`, `[`, `(` stands; 0: none. */
export function tagAt(text: string, at: number): number {
  const second = text.charCodeAt(at + 1);
  const tags = BY_SECOND.get(second >= 65 && second <= 90 ? second | 32 : second);
  if (tags === undefined) return 0;
  for (const [literal, mark] of tags) if (startsWithFolded(text, at, literal)) return mark;
  return 0;
}

/** The mark of a line's start whose colon stands at `at`, the word before it starting at `wordAt`; 0: none. */
export function turnAt(text: string, wordAt: number, at: number): number {
  if (at - wordAt > TURN_CHARS_MAX) return 0;
  const turn = TURNS.get(text.slice(wordAt, at).toLowerCase());
  if (turn === undefined) return 0;
  let hashes = 0;
  for (let before = wordAt - 1; ; before -= 1) {
    if (wordAt - before > MARK_CHARS_MAX) return 0;
    const code = text.charCodeAt(before);
    if (code === 35) hashes += 1;
    // A line's start, or its escape inside a JSON text.
    else if (Number.isNaN(code) || code === 10 || code === 13) return hashes > 1 ? HEADING : turn;
    else if (code === 110 && text.charCodeAt(before - 1) === 92) return hashes > 1 ? HEADING : turn;
    else if (code !== 32 && code !== 9 && code !== 42 && code !== 62 && code !== 91 && code !== 34) return 0;
  }
}

/** The mark of `"role": "system"`, its colon at `at`; 0: none. */
export function jsonRoleAt(text: string, at: number): number {
  const quote = text.charCodeAt(at - 1);
  if (quote !== 34 && quote !== 39) return 0;
  const from = Math.max(0, at - 8);
  const around = text.slice(from, at + 14);
  return around.includes("role") && (around.includes("system") || around.includes("developer")) ? JSON_ROLE : 0;
}

function startsWithFolded(text: string, at: number, literal: string): boolean {
  for (let index = 0; index < literal.length; index += 1) {
    const code = text.charCodeAt(at + index);
    const folded = code >= 65 && code <= 90 ? code | 32 : code;
    if (folded !== literal.charCodeAt(index)) return false;
  }
  return true;
}
