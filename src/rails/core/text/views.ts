/**
 * Decides which other texts a text holds: as it reads when disguises are taken off, escapes replaced, letters put
 * together, and what is in its base64 and hexadecimal.
 *
 * Model. Each view has a map back to the text, so what is found in one has a place in the other. All are made once for
 * all rails, from the text itself and never from another view, and what they come to is bounded; what is beyond is not
 * read, and told as such. Ordinary text has none, which one pass over it tells.
 * Rejected: each rail decoding for itself; and views of views, which is a bomb.
 */
import { mayBeApart, togetherRows } from "./apart.ts";
import { withoutControls } from "./controls.ts";
import { undisguised } from "./disguise.ts";
import { encodedIn } from "./encoded-runs.ts";
import { unescapedWindows } from "./escapes.ts";
import type { NormalText } from "./normalise.ts";

/** Characters that the views of one body may come to, disguises aside: forty pages, and half a rail's time for 1 MB. */
export const VIEW_CHARS_MAX = 131_072;

/** What is left of that for one body. */
export type ViewBudget = { left: number; isSpent: boolean };

export function viewBudget(): ViewBudget {
  return { left: VIEW_CHARS_MAX, isSpent: false };
}

/** Of a text without media. */
export function viewsOf(text: string, budget: ViewBudget = viewBudget()): readonly NormalText[] {
  const views: NormalText[] = [];
  // No longer than the text, which has its own bound.
  const latin = undisguised(text);
  if (latin !== null) views.push(latin);
  const printed = withoutControls(text);
  if (printed !== null) views.push(printed);
  // What is beyond is not even decoded: that it is there is told already.
  if (budget.isSpent) return views;
  for (const make of [unescapedWindows, togetherRows, payloads]) {
    for (const view of make(text, budget)) {
      if (view.text.length > budget.left) {
        budget.isSpent = true;
        return views;
      }
      budget.left -= view.text.length;
      views.push(view);
    }
  }
  return views;
}

/** Has it neither views nor media? What `plain-text.ts` says of some texts, of nearly all of them. False says nothing. */
export function isPlainText(text: string): boolean {
  return (
    undisguised(text) === null &&
    withoutControls(text) === null &&
    unescapedWindows(text).next().done === true &&
    encodedIn(text).next().done === true &&
    !mayBeApart(text)
  );
}

/** Of media no rail reads more than that they are there. What is found in a text in base64 is the whole of its run. */
function* payloads(text: string, budget: ViewBudget): Generator<NormalText> {
  for (const encoded of encodedIn(text)) {
    if (encoded.is === "media") continue;
    const { start, end } = encoded;
    if (encoded.isCut) budget.isSpent = true;
    yield { text: encoded.text, isSame: false, original: () => ({ start, end }) };
  }
}
