/**
 * Decides, cheaply and without the platform's tables, that a text says nothing but what is read in it: no media, and
 * none of the views that `views.ts` makes. False says nothing: whoever asked then looks in full.
 */
import { mayBeApart } from "./apart.ts";
import { firstNonAscii } from "./char-class.ts";
import { mayHaveControls } from "./controls.ts";
import { findEncoded } from "./encoded-runs.ts";

export function isSurelyPlain(text: string): boolean {
  return (
    !text.includes("%") &&
    !text.includes("&") &&
    !text.includes("\\") &&
    firstNonAscii(text) === text.length &&
    !mayHaveControls(text) &&
    findEncoded(text).length === 0 &&
    !mayBeApart(text)
  );
}
