/**
 * Decides what the rails of a pool mean, and what two of them together may not say: defaults that depend on the rail,
 * and the findings of `config-check.ts` that are about rails.
 *
 * Model: an action's default follows from what the rail finds. Data that must not leave is redacted, an attack is
 * refused, and what is a matter of taste or of a false alarm is flagged.
 */
import type { z } from "zod";
import type { ConfigPath, Finding } from "./config-finding.ts";
import type { InputRailConfig, OutputRailConfig, RailAction, RailCommon, RailsConfig } from "./config.ts";
import { INSIDE_TIMEOUT_MS, InputRailSchema, OUTSIDE_TIMEOUT_MS, OutputRailSchema } from "./rails-schema.ts";
import type { RailsSchema, RawInputRail, RawOutputRail } from "./rails-schema.ts";

type RawRails = z.output<typeof RailsSchema>;

const ACTIONS: Readonly<Record<RawInputRail["use"] | RawOutputRail["use"], RailAction>> = {
  size: "block",
  tokens: "block",
  secrets: "redact",
  pii: "redact",
  injection: "block",
  unicode: "redact",
  topics: "block",
  regex: "redact",
  profanity: "flag",
  schema: "block",
  links: "redact",
  canary: "block",
  moderation: "block",
  "llama-guard": "block",
  webhook: "block",
  "azure-content-safety": "block",
  "azure-prompt-shields": "block",
  "bedrock-guardrails": "block",
  "model-armor": "block",
  presidio: "redact",
};

/** Rails that ask somebody else. */
const OUTSIDE: ReadonlySet<string> = new Set([
  "moderation",
  "llama-guard",
  "webhook",
  "azure-content-safety",
  "azure-prompt-shields",
  "bedrock-guardrails",
  "model-armor",
  "presidio",
]);

/** Rails that find no text which could be redacted. */
const WITHOUT_SPANS: ReadonlySet<string> = new Set([
  "size",
  "tokens",
  "schema",
  "moderation",
  "llama-guard",
  "azure-content-safety",
  "azure-prompt-shields",
]);

/** Rails that are nothing without options. */
const NEEDS_OPTIONS: ReadonlySet<string> = new Set(["tokens", "topics", "regex", "schema", ...OUTSIDE]);

/** `raw` must have passed `checkRails`. */
export function resolveRails({ input, output, overlap, deadlineMs, sockets }: RawRails): RailsConfig {
  return {
    input: input.map((raw) => {
      const written = typeof raw === "string" ? InputRailSchema.parse({ use: raw }) : raw;
      return { ...written, ...commonOf(written) } as InputRailConfig;
    }),
    output: output.map((raw) => {
      const written = typeof raw === "string" ? OutputRailSchema.parse({ use: raw }) : raw;
      return { ...written, ...commonOf(written) } as OutputRailConfig;
    }),
    overlap,
    deadlineMs,
    sockets,
  };
}

function commonOf(raw: RawInputRail | RawOutputRail): RailCommon {
  const action = raw.action ?? ACTIONS[raw.use];
  return {
    name: raw.name ?? raw.use,
    action,
    timeoutMs: raw.timeoutMs ?? (OUTSIDE.has(raw.use) ? OUTSIDE_TIMEOUT_MS : INSIDE_TIMEOUT_MS),
    onError: raw.onError ?? (action === "block" ? "closed" : "open"),
    // A rail reads text. One that nobody told to be strict does not refuse pictures for being none.
    onMedia: raw.onMedia ?? raw.onError ?? "open",
    shadow: raw.shadow,
    sample: raw.sample,
    tenants: raw.tenants ?? null,
  };
}

/** `urlProblem`: what is wrong with a URL, if http to a public host is allowed or not. */
export type UrlProblem = (text: string, allowPlainHttp: boolean) => Omit<Finding, "path"> | null;

export function checkRails(
  pools: Readonly<Record<string, { readonly rails: RawRails }>>,
  urlProblem: UrlProblem,
): Finding[] {
  return Object.entries(pools).flatMap(([poolId, { rails }]) => {
    const at = ["pools", poolId, "rails"];
    return [
      ...checkStage(rails.input, [...at, "input"]),
      ...checkStage(rails.output, [...at, "output"]),
      ...rails.input.flatMap((rail, index) =>
        typeof rail === "string" ? [] : checkOutside(rail, [...at, "input", index, "options"], pools, urlProblem),
      ),
    ];
  });
}

function checkStage(rails: readonly (string | RawInputRail | RawOutputRail)[], at: ConfigPath): Finding[] {
  const seen = new Set<string>();
  return rails.flatMap((rail, index) => {
    const findings: Finding[] = [];
    const path = [...at, index];
    const use = typeof rail === "string" ? rail : rail.use;
    const name = typeof rail === "string" ? rail : (rail.name ?? use);
    if (seen.has(name))
      findings.push({
        path,
        problem: `the rail "${name}" is listed twice`,
        fix: 'keep one of them, or give each its own "name"',
      });
    seen.add(name);
    if (typeof rail === "string" && NEEDS_OPTIONS.has(use))
      findings.push({
        path,
        problem: `the rail "${use}" needs options`,
        fix: `write { "use": "${use}", "options": { … } }`,
      });
    if (typeof rail !== "string" && rail.action === "redact" && WITHOUT_SPANS.has(use))
      findings.push({
        path: [...path, "action"],
        problem: `${use} finds no text that could be redacted`,
        fix: 'use "block" or "flag"',
      });
    return findings;
  });
}

function checkOutside(
  rail: RawInputRail,
  path: ConfigPath,
  pools: Readonly<Record<string, unknown>>,
  urlProblem: UrlProblem,
): Finding[] {
  if ("url" in rail.options) {
    const problem = urlProblem(rail.options.url, rail.options.allowPlainHttp);
    return problem === null ? [] : [{ path: [...path, "url"], ...problem }];
  }
  if (rail.use !== "llama-guard") return [];
  const { pool, binding } = rail.options;
  if ((pool === undefined) === (binding === undefined))
    return [{ path, problem: "the guard has no place, or two", fix: 'give "pool" or "binding"' }];
  return pool === undefined || Object.hasOwn(pools, pool)
    ? []
    : [{ path: [...path, "pool"], problem: "this pool is not declared", fix: 'declare it under "pools"' }];
}
