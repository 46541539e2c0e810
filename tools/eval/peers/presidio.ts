/**
 * Presidio's pattern recognizers as a rail to compare with, by the Python that the reader names.
 *
 * Model. One process reads all texts and writes what the recognizers for our types find, each by itself: without the
 * language model, which finds names and places, and which is a download.
 */
import { spawnSync } from "node:child_process";
import { err, ok, type Result } from "../../../src/lib/result.ts";
import type { EvalRail } from "../eval-known-rails.ts";
import type { FoundSpan } from "../../../src/rails/core/rail.ts";

const SCRIPT = `
import json, sys
from presidio_analyzer.predefined_recognizers import (
  CreditCardRecognizer, EmailRecognizer, IbanRecognizer, IpRecognizer, PhoneRecognizer, UsSsnRecognizer)
recognizers = [R() for R in (
  CreditCardRecognizer, EmailRecognizer, IbanRecognizer, IpRecognizer, PhoneRecognizer, UsSsnRecognizer)]
for line in sys.stdin:
  text = json.loads(line)
  spans = []
  for one in recognizers:
    for found in one.analyze(text, one.supported_entities, None) or []:
      if found.score >= 0.35:
        at = lambda end: len(text[:end].encode("utf-16-le")) // 2
        spans.append([at(found.start), at(found.end), found.entity_type])
  print(json.dumps(spans))
`;

const TYPES: ReadonlyMap<string, string> = new Map([
  ["CREDIT_CARD", "card"],
  ["EMAIL_ADDRESS", "email"],
  ["IBAN_CODE", "iban"],
  ["IP_ADDRESS", "ip"],
  ["PHONE_NUMBER", "phone"],
  ["US_SSN", "ssn"],
]);

/** Bytes of all answers together. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

/** What the recognizers find in these texts, or why they cannot be asked. */
export function presidioRail(python: string, texts: readonly string[], ours: EvalRail): Result<EvalRail, string> {
  const input = texts.map((text) => `${JSON.stringify(text)}\n`).join("");
  const run = spawnSync(python, ["-c", SCRIPT], { input, maxBuffer: ANSWER_BYTES_MAX, encoding: "utf8" });
  const lines = run.stdout?.split("\n").filter((line) => line !== "") ?? [];
  if (run.status !== 0 || lines.length !== texts.length) {
    const reason = run.error?.message ?? run.stderr.trim().split("\n").at(-1) ?? "no answer";
    return err(`presidio is skipped: ${reason}`);
  }
  const answers = new Map(texts.map((text, index) => [text, spansOf(lines[index] ?? "[]")]));
  const inspect: EvalRail["inspect"] = (text) => {
    const spans = answers.get(text) ?? [];
    return { isFound: spans.length > 0, spans, reasons: spans.map(({ type }) => type) };
  };
  return ok({ inspect, spans: "typed", ownType: ours.ownType, strangeTypes: [] });
}

/** Where two overlap, the longer one. */
function spansOf(line: string): FoundSpan[] {
  const found = (JSON.parse(line) as [number, number, string][])
    .map(([start, end, type]) => ({ start, end, type: TYPES.get(type) ?? type }))
    .sort((one, other) => other.end - other.start - (one.end - one.start));
  const kept: FoundSpan[] = [];
  for (const span of found) if (kept.every(({ start, end }) => span.end <= start || span.start >= end)) kept.push(span);
  return kept.sort((one, other) => one.start - other.start);
}
