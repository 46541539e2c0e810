/** How orders for many things ended, read from the router's answers and told in one sentence. */
import { type Answered, memberOf } from "../session/api-call.ts";
import { inWords } from "../store/format.ts";

export type Ended = { readonly done: number; readonly refused: number; readonly why: string | null };

/** An order for all is given again while there are more, so many times at most: 500 go at once. */
const TURNS_MAX = 20;

/** `done` names the member of an answer that lists what worked. */
export async function orderedAll(order: () => Promise<Answered>, done: "redriven" | "replayed"): Promise<Ended> {
  let all: Ended = { done: 0, refused: 0, why: null };
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    const answer = await order();
    if (!answer.ok) return { ...all, refused: all.refused + 1, why: answer.message };
    const one = readEnded(answer.value, done);
    all = { done: all.done + one.done, refused: all.refused + one.refused, why: all.why ?? one.why };
    // Nothing worked, so nothing more would.
    if (memberOf(answer.value, "hasMore") !== true || one.done === 0) return all;
  }
  return all;
}

function readEnded(value: unknown, done: "redriven" | "replayed"): Ended {
  const count = (name: string): number => {
    const list = memberOf(value, name);
    return Array.isArray(list) ? list.length : 0;
  };
  const refused = memberOf(value, "refused");
  const [first] = Array.isArray(refused) ? refused : [];
  const why = memberOf(first, "why");
  return { done: count(done), refused: count("refused"), why: typeof why === "string" ? `${inWords(why)}.` : null };
}

/** `verb` as in "12 jobs queued again." */
export function endedText({ done, refused, why }: Ended, thing: string, verb: string): string {
  const things = (count: number): string => `${count} ${thing}${count === 1 ? "" : "s"}`;
  const good = done === 0 ? "" : `${things(done)} ${verb}.`;
  const bad = refused === 0 ? "" : `${things(refused)} not: ${why ?? "the router refused."}`;
  const parts = [good, bad].filter((part) => part !== "");
  return parts.length === 0 ? `Nothing was there to be ${verb}.` : parts.join(" ");
}
