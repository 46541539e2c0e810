/**
 * Decides whether a value of a credential's form is one that everybody may see: keys that their owners published in
 * samples and on web pages, and tokens that every manual prints.
 *
 * Source: the sample keys of Firebase's Android SDK and the search key of yarn's site, as gitleaks' rule files leave
 * them out (MIT); the tokens of jwt.io; the identifiers of Salesforce's connected apps, which are client ids.
 * Rejected: leaving out all Google API keys: those for maps are public by design, those for Gemini are billed.
 */

/** How these values begin; enough characters of each that no other value does. */
const PUBLIC_STARTS: readonly string[] = [
  "AIzaSyAnLA7NfeLq AIzaSyCkEhVjf3pd AIzaSyDMAScliyLx AIzaSyD3asb-2pEZ AIzayDNSXIbFmlXb AIzaSyAdOS2zB6NC",
  "AIzaSyASWm6HmTMd AIzaSyANUvH9H9Bs AIzaSyA5_iVawFQ8 AIzaSyA4UrcGxgwQ AIzaSyDSb51JiIcB AIzaSyBF2RrAIm4a",
  "AIzaSyBcE-OOIbhj AIzaSyB8qGxt4ec1 AIzaSyA8vmApnrHN 6fe4476ee5a18328 3MVG9",
].flatMap((list) => list.split(" "));

/** {"sub":"1234567890","name":"John Doe","iat" and the same with "admin", in base64. */
const MANUAL_PAYLOADS: readonly string[] = ["aWF0Ijox", "YWRtaW4i"].map(
  (claim) => `.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwi${claim}`,
);

const STARTS_BY_FIRST: ReadonlyMap<number, readonly string[]> = Map.groupBy(PUBLIC_STARTS, (start) =>
  start.charCodeAt(0),
);

/** Is the value from `from` to `to` known to be no secret? Looks at some twenty characters, of a token at all. */
export function isPublicValue(text: string, from: number, to: number): boolean {
  if (text.startsWith("eyJ", from)) {
    const value = text.slice(from, to);
    return MANUAL_PAYLOADS.some((payload) => value.includes(payload));
  }
  return STARTS_BY_FIRST.get(text.charCodeAt(from))?.some((start) => text.startsWith(start, from)) ?? false;
}
