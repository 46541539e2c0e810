/**
 * Writes the lengths of bank account numbers by country.
 *
 * Model. Every country of which `ibantools` knows the length: those of SWIFT's registry, and those whose banks print
 * numbers of the same form although they are not in it. Only what the rail needs ships, as one text.
 * Source: docs/reference/sources.md, Detectors.
 */
import { getCountrySpecifications } from "ibantools";
import type { Generated } from "../cli/generated.ts";
import { versionOf } from "./package-version.ts";

/** Characters of a line of the table. */
const LINE_CHARS = 116;

export const ibanLengths: Generated = {
  path: "src/rails/detectors/pii/iban-lengths.ts",
  source: "ibantools",
  text: () => {
    const rows = Object.entries(getCountrySpecifications())
      .flatMap(([country, { chars }]) => (chars === null ? [] : [country + String(chars)]))
      .toSorted()
      .join("");
    const lines = rows.match(new RegExp(`.{1,${LINE_CHARS}}`, "g")) ?? [];
    return [
      `/** Made by \`npm run tables\` from ibantools ${versionOf("ibantools")} (MIT): country, and characters of its IBANs. */`,
      "export const IBAN_LENGTHS =",
      `${lines.map((line) => `  "${line}"`).join(" +\n")};`,
      "",
    ].join("\n");
  },
};
