/**
 * Texts with and without secrets out of the tests of two secret scanners, as Go source.
 *
 * Model. gitleaks' rules each have a list of texts in which they must fire (`tps`) and of texts in which they must not
 * (`fps`); what they generate at random is left out. TruffleHog's detectors have tables of `input` and `want`. Many of
 * those that want nothing hold a secret all the same, only farther from the vendor's name than that detector looks, or
 * one character too short: a low rate there is no virtue by itself. Nothing of either is part of this project: who measures has a clone.
 */
import { createHash } from "node:crypto";
import { goList, goNames, goString, goTokens, isSign } from "./go-strings.ts";
import type { GoNames, GoToken } from "./go-strings.ts";

export type LabelledText = { readonly text: string; readonly label: 0 | 1; readonly rule: string };

/** Half of a set by a hash of the rule's name: one to work on, one to judge by. */
export function halfOf(rule: string): "dev" | "held" {
  return (createHash("sha256").update(rule).digest()[0] ?? 0) % 2 === 0 ? "dev" : "held";
}

/** The literal `tps` and `fps` of one file of rules. */
export function gitleaksTexts(source: string): LabelledText[] {
  const tokens = goTokens(source);
  const names = goNames(tokens);
  const rows: LabelledText[] = [];
  let rule = "";
  for (const [at, { kind, text }] of tokens.entries()) {
    if (kind !== "name") continue;
    if (text === "RuleID" && isSign(tokens[at + 1], ":")) rule = tokens[at + 2]?.text ?? "";
    const sign = tokens[at + 1]?.text;
    if ((text !== "tps" && text !== "fps") || (sign !== "=" && sign !== ":=")) continue;
    for (const value of listAt(tokens, at + 2, names)) {
      if (value !== null) rows.push({ text: value, label: text === "tps" ? 1 : 0, rule });
    }
  }
  return distinct(rows);
}

/** `[]string{…}`, `map[string]string{…}` or `append(name, …)`. */
function listAt(tokens: readonly GoToken[], at: number, names: GoNames): readonly (string | null)[] {
  if (tokens[at]?.text === "append") return goList(tokens, at + 1, names).values.slice(1);
  let open = at;
  while (tokens[open]?.text === "map" || tokens[open]?.text === "string" || isBracket(tokens[open])) open += 1;
  return isSign(tokens[open], "{") ? goList(tokens, open, names).values : [];
}

function isBracket(token: GoToken | undefined): boolean {
  return isSign(token, "[") || isSign(token, "]");
}

export function trufflehogTexts(source: string, rule: string): LabelledText[] {
  const tokens = goTokens(source);
  const names = goNames(tokens);
  const rows: LabelledText[] = [];
  let input: string | null = null;
  for (const [at, { kind, text }] of tokens.entries()) {
    if (kind !== "name" || !isSign(tokens[at + 1], ":")) continue;
    if (text === "input") input = goString(tokens, at + 2, names).value;
    if (text !== "want" || input === null) continue;
    const wants = tokens[at + 2]?.text === "nil" ? [] : listAt(tokens, at + 2, names);
    if (wants.length > 0) rows.push({ text: input, label: 1, rule });
    else rows.push({ text: input, label: 0, rule });
    input = null;
  }
  return distinct(rows);
}

function distinct(rows: readonly LabelledText[]): LabelledText[] {
  return [...new Map(rows.filter(({ text }) => text !== "").map((row) => [`${row.label} ${row.text}`, row])).values()];
}
