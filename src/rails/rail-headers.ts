/**
 * Decides how the records of a request's input rails read in headers.
 *
 * Model. `x-warmpath-rails: size=allow;0, hook=rail_error;250;timeout`: name, what it said, ms, and how it failed. A
 * rail that did not finish is `rail_error` or `skipped`, never `allow`, nor is one that could not read all: `;not_read`
 * or `;budget` says so, also beside what it found in the rest. One in shadow has `;shadow`. Never a piece of a text: names come from
 * the config, words from this file.
 */
import type { RailRecord } from "./core/engine.ts";
import type { RailStatus } from "./core/verdict.ts";

export type RailHeaders = {
  readonly rails: string;
  /** Entries for Server-Timing, with what separates them from those before; empty without rails. */
  readonly timing: string;
};

const NONE: RailHeaders = { rails: "", timing: "" };

/** By the records: those of a request in which nothing was found are one object for a whole pool. */
const written = new WeakMap<readonly RailRecord[], RailHeaders>();

export function railHeaders(records: readonly RailRecord[]): RailHeaders {
  if (records.length === 0) return NONE;
  const known = written.get(records);
  if (known !== undefined) return known;
  const headers = {
    rails: records.map(entry).join(", "),
    timing: records.map(({ rail, tookMs, ...said }) => `, rail-${rail};dur=${tookMs};desc="${wordOf(said)}"`).join(""),
  };
  written.set(records, headers);
  return headers;
}

function entry({ rail, tookMs, ...said }: RailRecord): string {
  return `${rail}=${wordOf(said)};${tookMs}${FAILURE[said.status]}${said.shadow ? ";shadow" : ""}`;
}

const FAILURE: Readonly<Record<RailStatus, string>> = {
  done: "",
  skipped: "",
  unread: ";not_read",
  budget: ";budget",
  error: ";error",
  timeout: ";timeout",
};

/** What a rail said, or that it said nothing. */
export function wordOf({ verdict, status }: Pick<RailRecord, "verdict" | "status">): string {
  if (status === "skipped") return "skipped";
  return verdict ?? (status === "done" ? "allow" : "rail_error");
}
