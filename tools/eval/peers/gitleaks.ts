/**
 * gitleaks' published rules as a rail to compare with: its `gitleaks.toml` over a text, by RE2.
 *
 * Model. As gitleaks does it: a rule whose keywords stand in the text is matched; the secret is the named group, or the
 * first one that is not empty; its entropy must be above the rule's; then the rule's allow-lists and the file's own are
 * asked, about the secret, the match or the line. What a rule says of file names does not count, because there is none.
 * Source: the file that the reader has on disk; nothing of it ships.
 */
import { RE2JS } from "re2js";
import type { EvalRail } from "../eval-known-rails.ts";
import { readGitleaksConfig } from "./gitleaks-config.ts";
import type { GitleaksAllowlist, GitleaksRule } from "./gitleaks-config.ts";
import type { FoundSpan } from "../../../src/rails/core/rail.ts";

type Allowed = (secret: string, match: string, line: string) => boolean;

type Compiled = { readonly rule: GitleaksRule; readonly pattern: RE2JS; readonly isAllowed: Allowed };

export function gitleaksRail(toml: string): EvalRail {
  const { rules, allowlist } = readGitleaksConfig(toml);
  const isAllowedAnywhere = allowedBy([allowlist]);
  const compiled = rules.map((rule): Compiled => ({
    rule,
    pattern: RE2JS.compile(rule.regex),
    isAllowed: allowedBy(rule.allowlists),
  }));
  return {
    inspect: (text) => {
      const lower = text.toLowerCase();
      const spans = compiled
        .filter(({ rule: { keywords } }) => keywords.length === 0 || keywords.some((word) => lower.includes(word)))
        .flatMap((one) => findIn(text, one, isAllowedAnywhere));
      return { isFound: spans.length > 0, spans, reasons: spans.map(({ type }) => type) };
    },
    spans: "presence",
    ownType: (type) => type,
    strangeTypes: [],
  };
}

function findIn(text: string, { rule, pattern, isAllowed }: Compiled, isAllowedAnywhere: Allowed): FoundSpan[] {
  const found: FoundSpan[] = [];
  const matcher = pattern.matcher(text);
  while (matcher.find()) {
    const match = matcher.group(0) ?? "";
    const groups = Array.from({ length: matcher.groupCount() }, (_, index) => index + 1);
    const group = rule.secretGroup || (groups.find((one) => (matcher.group(one) ?? "") !== "") ?? 0);
    const secret = matcher.group(group) ?? "";
    if (rule.entropy > 0 && entropyBits(secret) <= rule.entropy) continue;
    const line = lineAt(text, matcher.start(0), matcher.end(0));
    if (isAllowed(secret, match, line) || isAllowedAnywhere(secret, match, line)) continue;
    found.push({ start: matcher.start(group), end: matcher.end(group), type: rule.id });
  }
  return found;
}

function allowedBy(allowlists: readonly GitleaksAllowlist[]): Allowed {
  // One that asks for a path as well can never be met.
  const lists = allowlists
    .filter(({ isForAll, hasPaths }) => !(isForAll && hasPaths))
    .map(({ regexes, stopwords, regexTarget }) => ({
      patterns: regexes.map((regex) => RE2JS.compile(regex)),
      stopwords: stopwords.map((word) => word.toLowerCase()),
      regexTarget,
    }));
  return (secret, match, line) =>
    lists.some(({ patterns, stopwords, regexTarget }) => {
      const target = regexTarget === "line" ? line : regexTarget === "match" ? match : secret;
      if (patterns.some((pattern) => pattern.matcher(target).find())) return true;
      return stopwords.some((word) => secret.toLowerCase().includes(word));
    });
}

function lineAt(text: string, start: number, end: number): string {
  const next = text.indexOf("\n", end);
  return text.slice(text.lastIndexOf("\n", start - 1) + 1, next === -1 ? text.length : next);
}

/** Shannon, bits per character. */
function entropyBits(text: string): number {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return [...counts.values()].reduce((bits, count) => bits - (count / total) * Math.log2(count / total), 0);
}
