/**
 * Decides whether a refusal for want of room is believed of the endpoint, or may be the request's own.
 *
 * Model. A refusal names the endpoint, and may mean the request: a limit of one user, of one key, of one kind of
 * prompt. Where another endpoint served the request it is not asked here: that is proof. Else the first one in a row
 * says nothing yet; a second one of another request does, and then what both asked for counts. A request that was
 * accepted beside as many others ends the row, and for SHOWN_MS contradicts whoever is refused beside fewer. Without
 * either, REFUSALS_BELIEVED in a row are believed too, be they one request's, but not what it asks for.
 * Source: none; `attempt-plan.ts` has the same for failures (two endpoints, one request). Rejected:
 * believing at once, by which one request takes a pool's slots from everyone; and a shorter cut for the
 * first, which does the same in small.
 */

/** Refusals since an attempt beside as many others was accepted. */
type RefusalRow = {
  /** The last one that was refused. */
  readonly request: string;
  readonly count: number;
  /** Another request was refused too. */
  readonly isShared: boolean;
  /** Fewest that ran beside one of them. */
  readonly inFlight: number;
  readonly beganMs: number;
  readonly lastMs: number;
  /** What the endpoint asked for in it, as an instant, ms. */
  readonly askedUntilMs: number;
};

export type RoomEvidence = {
  /** The most that it was seen to run at once lately, and when it accepted the last of them. */
  readonly shownSlots: number;
  readonly shownAtMs: number;
  readonly row: RefusalRow | null;
};

export type Refused = {
  readonly inFlight: number;
  readonly request: string;
  /** Bounded; 0: it did not say. */
  readonly askedMs: number;
};

/** For so long an accepted request shows room, ms: long enough for several at any rate that a cut would hurt. */
export const SHOWN_MS = 1_000;
/** So many refusals in a row are believed whoever was refused: each costs a trip, and nothing was accepted between. */
export const REFUSALS_BELIEVED = 8;
/** A row with a gap as long as this is over, ms: the longest wait that an endpoint may ask for. */
export const ROW_GAP_MS = 60_000;

export const NO_EVIDENCE: RoomEvidence = { shownSlots: 0, shownAtMs: Number.NEGATIVE_INFINITY, row: null };

/** An attempt beside `inFlight` others was accepted at `acceptedMs`. */
export function acceptedBeside(known: RoomEvidence, inFlight: number, acceptedMs: number): RoomEvidence {
  const { row, shownSlots, shownAtMs } = known;
  const isMore = inFlight + 1 >= shownSlots || acceptedMs - shownAtMs >= SHOWN_MS;
  const shown =
    isMore && acceptedMs >= shownAtMs ? { shownSlots: inFlight + 1, shownAtMs: acceptedMs } : { shownSlots, shownAtMs };
  return { ...shown, row: row !== null && acceptedMs >= row.beganMs && inFlight >= row.inFlight ? null : row };
}

/** What is known after a refusal; `waitMs`: it is believed, with this wait asked for (0: none); null: it is not. */
export function refusedBeside(
  known: RoomEvidence,
  { inFlight, request, askedMs }: Refused,
  now: number,
): { readonly evidence: RoomEvidence; readonly waitMs: number | null } {
  const before = known.row !== null && now - known.row.lastMs < ROW_GAP_MS ? known.row : null;
  const isOther = before !== null && before.request !== request;
  const row: RefusalRow = {
    request,
    count: (before?.count ?? 0) + 1,
    isShared: isOther || before?.isShared === true,
    inFlight: Math.min(inFlight, before?.inFlight ?? inFlight),
    beganMs: before?.beganMs ?? now,
    lastMs: now,
    askedUntilMs: Math.max(now + askedMs, before?.askedUntilMs ?? now),
  };
  const isContradicted = inFlight < known.shownSlots && now - known.shownAtMs < SHOWN_MS;
  const isBelieved = row.count >= REFUSALS_BELIEVED || (row.isShared && !isContradicted);
  const waitMs = row.isShared ? row.askedUntilMs - now : 0;
  return { evidence: { ...known, row }, waitMs: isBelieved ? waitMs : null };
}
