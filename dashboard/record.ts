/** A request as this page shows it: the router's record of it, and where it was asked for what its decision was made of. */
import type { RequestRecord } from "../src/sight/core/record.ts";

export type ShownRequest = RequestRecord & { readonly candidates?: readonly ShownCandidate[] };

/** As in the header that `x-warmpath-explain` brings. */
export type ShownCandidate = {
  readonly endpoint: string;
  readonly region: string;
  /** Sum of the terms. */
  readonly ms: number;
  readonly terms: Readonly<Record<string, number>>;
  readonly inFlight: number;
  readonly capacity: number;
  readonly warmth: string;
  readonly excluded: string | null;
  /** One sentence; of the one that was chosen it begins with the word. */
  readonly why: string;
};
