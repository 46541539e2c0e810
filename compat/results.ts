/** What was found, as it is kept: one file, of which a run with `--only` replaces a part. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FeatureId } from "./feature-list.ts";

const RESULTS_FILE = join(import.meta.dirname, "results.json");

export type Cell = { readonly result: "pass" | "fail" | "skipped"; readonly why?: string };

export type Row = { readonly version: string; readonly cells: Readonly<Partial<Record<FeatureId, Cell>>> };

export type Group = {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** By the method of the package that was called: how many failed, and what the first one said. */
  readonly failures: Readonly<Record<string, { readonly count: number; readonly said: string }>>;
};

export type Results = {
  readonly clients: Readonly<Record<string, Row>>;
  /** What more is tried of one client, by name: null where it held. */
  readonly checks: Readonly<Record<string, Cell>>;
  readonly sdkTests: { readonly version: string; readonly groups: Readonly<Record<string, Group>> } | null;
};

export const readResults = (): Results => JSON.parse(readFileSync(RESULTS_FILE, "utf8")) as Results;

export const writeResults = (results: Results): void =>
  writeFileSync(RESULTS_FILE, `${JSON.stringify(results, null, 2)}\n`);
