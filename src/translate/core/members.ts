/**
 * What becomes of each member of a request that is told in another protocol, as a table.
 *
 * Model. Every member that a request may have stands in its protocol's table; one that stands in none is refused by its
 * name, and so is a value that the other protocol cannot say: nothing is left out in silence. What is left out although
 * it has no counterpart changes how the work is done and never the answer (a mark for a cache, an encrypted copy of what
 * is there in the clear); it is noted, and the client is told in a header.
 * Rejected: to leave out whatever is not known, as most gateways do. The client then has another answer than it asked for,
 * and no way to see it.
 */
import { isThere, listOf } from "./json.ts";
import type { JsonObject } from "../../lib/json-object.ts";

/** Why a request cannot be told. `what` is what chat completions do not have, in words that follow "no". */
export type Untold = { readonly param: string; readonly what: string };

/** Written in place while a request is translated. */
export type Course = {
  /** The first that was met; null: none. */
  untold: Untold | null;
  /** Names of what was left out. */
  readonly dropped: Set<string>;
};

export const createCourse = (): Course => ({ untold: null, dropped: new Set() });

/** Goes on after it: what comes of it is thrown away. */
export function cannotTell(course: Course, param: string, what: string): void {
  course.untold ??= { param, what };
}

/** What must be a list; what is none is refused, and what is not there is empty. */
export function listAt(value: unknown, at: string, course: Course): readonly unknown[] {
  if (isThere(value) && !Array.isArray(value)) cannotTell(course, at, "place for what is no list");
  return listOf(value);
}

export type Member =
  /** The same, under this name. */
  | { readonly rule: "as"; readonly name: string }
  /** Has code of its own. */
  | { readonly rule: "read" }
  /** Said to the router, or echoed by it: nothing of it is sent. */
  | { readonly rule: "ours" }
  | { readonly rule: "dropped" }
  /** With one of these values it asks for nothing; any other is refused. */
  | { readonly rule: "only"; readonly values: readonly unknown[]; readonly what: string };

export type Members = Readonly<Record<string, Member>>;

export const as = (name: string): Member => ({ rule: "as", name });
export const READ: Member = { rule: "read" };
export const OURS: Member = { rule: "ours" };
export const DROPPED: Member = { rule: "dropped" };
export const only = (values: readonly unknown[], what: string): Member => ({ rule: "only", values, what });

/** Members of engines' own, and of chat completions, that mean the same whatever the protocol around them. */
const ENGINE_MEMBERS = `
  top_k min_p seed presence_penalty frequency_penalty repetition_penalty min_tokens ignore_eos logit_bias
  chat_template_kwargs priority stop_token_ids skip_special_tokens structured_outputs guided_json guided_regex
  guided_choice guided_grammar cache_salt
`
  .trim()
  .split(/\s+/);

const ENGINE: ReadonlySet<string> = new Set(ENGINE_MEMBERS);

/** What of a body is said by a table alone. `at`: where the body stands in the request, for the name of a refusal. */
export function tellMembers(body: JsonObject, members: Members, course: Course, at = ""): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    if (!isThere(value)) continue;
    if (ENGINE.has(name) && at === "") {
      told[name] = value;
      continue;
    }
    const member = Object.hasOwn(members, name) ? members[name] : undefined;
    if (member === undefined) cannotTell(course, at + name, `"${name}"`);
    else if (member.rule === "as") told[member.name] = value;
    else if (member.rule === "dropped") course.dropped.add(at + name);
    else if (member.rule === "only" && !member.values.includes(value)) cannotTell(course, at + name, member.what);
  }
  return told;
}
