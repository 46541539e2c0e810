/**
 * Decides how an answer says which model it is of, where its endpoint was asked under another name than the client's: the
 * client reads its own word, and all other text stays as it came.
 *
 * Model. In a whole answer, and in each event, whatever name stands as its `model` is the endpoint's: at the top level, and in
 * the object that some events bring (`response`, `message`). A line is an event's: no JSON has a line break in a string.
 * Rejected: to put the name in place of the endpoint's wherever it stands, which a text or a tool's schema may quote; to leave
 * names that are not the one sent, which are the same model's (a dated one, a path).
 */
import { createStringScan, stringsIn } from "../../lib/json-strings.ts";
import type { TextRun } from "./told.ts";

/** Where Responses and Messages have the answer in an event. */
const WITHIN: ReadonlySet<string> = new Set(["response", "message"]);

/** `isEvents`: each line is a text of its own. */
export function modelRun(asked: string, isEvents: boolean): TextRun {
  const written = JSON.stringify(asked);
  let scan = createStringScan();
  let held = "";
  const take = (text: string): string => {
    const all = held + text;
    const { spans, until } = stringsIn(scan, all, WITHIN);
    held = all.slice(until);
    return spliced(all.slice(0, until), spans, written);
  };
  const flush = (): string => {
    const rest = held;
    held = "";
    scan = createStringScan();
    return rest;
  };
  return {
    push(text) {
      if (!isEvents) return take(text);
      let told = "";
      let from = 0;
      for (let line = text.indexOf("\n"); line !== -1; line = text.indexOf("\n", from)) {
        told += take(text.slice(from, line + 1)) + flush();
        from = line + 1;
      }
      return from === text.length ? told : told + take(text.slice(from));
    },
    end: flush,
  };
}

/** A text that is there as a whole. */
export function withAsked(text: string, asked: string, isEvents: boolean): string {
  const run = modelRun(asked, isEvents);
  return run.push(text) + run.end();
}

/** What the second makes of what the first does. */
export const behind = (first: TextRun, second: TextRun): TextRun => ({
  push: (text) => second.push(first.push(text)),
  end: () => second.push(first.end()) + second.end(),
});

function spliced(text: string, spans: readonly { start: number; end: number }[], written: string): string {
  let told = "";
  let from = 0;
  for (const { start, end } of spans) {
    told += text.slice(from, start) + written;
    from = end;
  }
  return from === 0 ? text : told + text.slice(from);
}
