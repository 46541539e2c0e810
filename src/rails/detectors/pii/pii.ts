/**
 * Decides which personal data a text contains: e-mail and IP addresses, card, bank account, social security and phone
 * numbers, and on request a few more.
 *
 * Model. One pass notes where something could begin; each family then reads around these places. The families of the
 * default always run, whatever was asked for, because what one recognises the others must leave alone: a card is no
 * phone. Where two meet, the one whose rules are stricter wins.
 * Source: facts in the headers of the families, `pii-*.ts`.
 * Rejected: one regular expression per entity, whose time depends on the prompt; and names and postal
 * addresses, which no pattern finds.
 */
import { normalise } from "../../core/text/normalise.ts";
import type { TextForms } from "../../core/text/normalise.ts";
import { findCards } from "./pii-card.ts";
import { findEmails } from "./pii-email.ts";
import { findIbans } from "./pii-iban.ts";
import { findColonAddresses, findIpV4 } from "./pii-ip.ts";
import { findUkNumbers, findUsNumbers } from "./pii-national.ts";
import { findPhones } from "./pii-phone.ts";
import { scanPii } from "./pii-scan.ts";
import type { PiiMeter, PiiScan } from "./pii-scan.ts";
import { findWallets } from "./pii-wallet.ts";
import { findInTexts } from "../../core/find-in-texts.ts";
import type { FoundSpan, RailFindings, RailInput } from "../../core/rail.ts";

/** What the rail looks for unless told otherwise. */
export const PII_ENTITIES_DEFAULT: readonly string[] = ["card", "phone", "email", "iban", "ssn", "ip"];

/** All that it can look for. The further ones are US and UK numbers and identifiers of things. */
export const PII_ENTITIES: readonly string[] = [...PII_ENTITIES_DEFAULT, "itin", "nino", "mac", "wallet"];

export type PiiOptions = {
  /** Names from `PII_ENTITIES`; unknown ones find nothing. Default: `PII_ENTITIES_DEFAULT`. */
  readonly entities?: readonly string[];
};

type Family = {
  readonly find: (scan: PiiScan) => readonly FoundSpan[];
  /** Runs only if this entity is asked for: what it finds no other family would take. */
  readonly only?: string;
};

/** The stricter the rules, the earlier: a later family loses what an earlier one has found. */
const FAMILIES: readonly Family[] = [
  { find: findEmails },
  { find: findIbans },
  { find: findWallets, only: "wallet" },
  { find: findColonAddresses },
  { find: findIpV4 },
  { find: findCards },
  { find: findUkNumbers, only: "nino" },
  { find: findUsNumbers },
  { find: findPhones },
];

/** Finds personal data in every part. Reasons are "pii:" and the type. */
export function piiRail(input: RailInput, options: PiiOptions = {}): RailFindings {
  const spans = findInTexts(input, (text) => findPii(text, options, input.forms));
  const types = [...spans.values()].flatMap((list) => list.map(({ type }) => `pii:${type}`));
  return { spans, reasons: [...new Set(types)].sort() };
}

/**
 * Personal data in one text, from left to right and without overlap; offsets are those of the text as given.
 * `meter.steps` grows by the number of characters looked at, which is at most a constant times the length of the text.
 */
export function findPii(
  text: string,
  options: PiiOptions = {},
  forms?: TextForms,
  meter: PiiMeter = { steps: 0 },
): readonly FoundSpan[] {
  const scan = scanPii(text, meter);
  if (scan === null) return NOTHING;
  const entities = options.entities ?? PII_ENTITIES_DEFAULT;
  if (scan.isAscii) return findIn(scan, entities);
  const normal = normalise(text, forms);
  if (normal.isSame) return findIn(scan, entities);
  const normalScan = scanPii(normal.text, meter);
  if (normalScan === null) return NOTHING;
  return findIn(normalScan, entities).map((span) => ({ ...span, ...normal.original(span.start, span.end) }));
}

const NOTHING: readonly FoundSpan[] = [];

function findIn(scan: PiiScan, entities: readonly string[]): readonly FoundSpan[] {
  let all: readonly FoundSpan[] = NOTHING;
  for (const { find, only } of FAMILIES) {
    if (only === undefined || entities.includes(only)) all = addBeside(all, find(scan));
  }
  if (all.length === 0) return all;
  return all.filter(({ type }) => entities.includes(type));
}

/** Both lists in order, without those of `more` that overlap one of `kept`. */
function addBeside(kept: readonly FoundSpan[], more: readonly FoundSpan[]): readonly FoundSpan[] {
  if (more.length === 0) return kept;
  if (kept.length === 0) return more;
  const both: FoundSpan[] = [];
  let next = 0;
  for (const span of more) {
    for (let before = kept[next]; before !== undefined && before.end <= span.start; before = kept[next]) {
      both.push(before);
      next += 1;
    }
    const beside = kept[next];
    if (beside === undefined || beside.start >= span.end) both.push(span);
  }
  return [...both, ...kept.slice(next)];
}
