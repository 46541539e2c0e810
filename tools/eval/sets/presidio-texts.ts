/**
 * Texts with personal data out of the synthetic set of presidio-research: those of its types that the rail `pii` knows.
 */
import { z } from "zod";

export type SpansRow = {
  readonly text: string;
  readonly spans: readonly { readonly start: number; readonly end: number; readonly type: string }[];
};

const TYPES: ReadonlySet<string> = new Set(
  "CREDIT_CARD EMAIL_ADDRESS IBAN_CODE IP_ADDRESS PHONE_NUMBER US_SSN".split(" "),
);

const SET = z.array(
  z.object({
    full_text: z.string(),
    spans: z.array(z.object({ entity_type: z.string(), start_position: z.number(), end_position: z.number() })),
  }),
);

export function presidioTexts(json: string): SpansRow[] {
  return SET.parse(JSON.parse(json)).map(({ full_text: text, spans }) => ({
    text,
    spans: spans
      .filter(({ entity_type: type }) => TYPES.has(type))
      .map(({ entity_type: type, start_position: start, end_position: end }) => ({
        start: unitsAt(text, start),
        end: unitsAt(text, end),
        type,
      })),
  }));
}

/** Python counts characters, JavaScript UTF-16 units. */
function unitsAt(text: string, chars: number): number {
  return [...text].slice(0, chars).join("").length;
}
