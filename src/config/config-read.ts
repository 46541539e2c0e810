/**
 * Decides whether the text of `warmpath.jsonc` is a config, and if so which. What is wrong with one that is not comes
 * as it was found; `config-parse.ts` puts it into words. Scenarios of the simulator are read the same way; an isolate that
 * starts reads by `config-value.ts`, which tells no places.
 *
 * Model: text → value → shape → references → `Config`; each step finds everything it can, and a later step runs only on
 * what the earlier one accepted. Never throws, on any text.
 */
import type * as z from "zod";
import { err, ok, type Result } from "../lib/result.ts";
import { type Finding } from "./config-finding.ts";
import { checkConfig } from "./config-check.ts";
import { resolveConfig } from "./config-resolve.ts";
import { checkAlerts, WholeSchema } from "./whole-schema.ts";
import { type JsoncDocument, type TextFinding, readJsonc } from "./config-text.ts";
import type { Config } from "./config.ts";

export type ConfigFailure =
  | { readonly kind: "text"; readonly problems: readonly TextFinding[] }
  | { readonly kind: "shape"; readonly document: JsoncDocument; readonly issues: readonly z.core.$ZodIssue[] }
  | { readonly kind: "references"; readonly document: JsoncDocument; readonly findings: readonly Finding[] };

export function readConfig(text: string): Result<Config, ConfigFailure> {
  const read = readChecked(text, WholeSchema, (raw) => [...checkConfig(raw), ...checkAlerts(raw.alerts)]);
  return read.ok ? ok(resolveConfig(read.value)) : read;
}

/** What the text says, if it has the schema's shape and `check` finds nothing wrong in it. */
export function readChecked<Raw>(
  text: string,
  schema: z.ZodType<Raw>,
  check: (raw: Raw) => readonly Finding[],
): Result<Raw, ConfigFailure> {
  const read = readJsonc(text);
  if (!read.ok) return err({ kind: "text", problems: read.error });
  const document = read.value;
  const shape = schema.safeParse(document.value);
  if (!shape.success) return err({ kind: "shape", document, issues: shape.error.issues });
  const findings = check(shape.data);
  return findings.length === 0 ? ok(shape.data) : err({ kind: "references", document, findings });
}
