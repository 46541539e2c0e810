/**
 * What a decision was made of, a row a candidate: for the header that explains it, and for the record of a request that
 * somebody watches. A part of the bundle that only those load.
 */
import { explainCandidates } from "../routing/core/cost/explain-why.ts";
import type { Candidate, ReadingFigures } from "../routing/core/cost/route.ts";
import type { Leased } from "../routing/core/lease-client/edge-lease.ts";
import type { CandidateRecord } from "./core/record.ts";

/** Rows in a record: of more candidates the cheapest, and the one that was chosen. */
export const CANDIDATES_RECORDED_MAX = 16;

type Decision = Pick<Leased, "heldLease" | "reason" | "candidates">;

/** From the lowest cost up. None from a shard of a version that does not tell. */
export function candidateRows({ heldLease, reason, candidates }: Decision): readonly CandidateRecord[] {
  const weighed = candidates ?? [];
  const isAlone = reason === "snapshot" || reason === "static";
  const { endpointId } = heldLease.grant;
  const whys = explainCandidates(weighed, { endpointId, reason: isAlone ? null : reason });
  return weighed
    .map((one, index) => ({ one, why: whys[index] ?? "" }))
    .toSorted((left, right) => left.one.totalMs - right.one.totalMs)
    .map(({ one, why }) => row(one, why));
}

/** As many of them as a record tells. */
export function recordedCandidates(decision: Decision): readonly CandidateRecord[] {
  const rows = candidateRows(decision);
  const at = rows.findIndex(({ endpoint }) => endpoint === decision.heldLease.grant.endpointId);
  if (at < CANDIDATES_RECORDED_MAX) return rows.slice(0, CANDIDATES_RECORDED_MAX);
  return [...rows.slice(0, CANDIDATES_RECORDED_MAX - 1), ...rows.slice(at, at + 1)];
}

function row(one: Candidate, why: string): CandidateRecord {
  return {
    endpoint: one.endpointId,
    region: one.region,
    ms: tenths(one.totalMs),
    terms: Object.fromEntries(Object.entries(one.terms).map(([term, ms]) => [term, tenths(ms)])),
    inFlight: one.inFlight,
    capacity: one.capacity,
    warmth: one.warmth,
    excluded: one.excluded,
    ...(one.reading === undefined ? {} : { reading: readingOf(one.reading) }),
    why,
  };
}

/** The prompts ahead and the memory, in ms, and what they are made of. */
function readingOf({ lineMs, kvMs, work, tokensPerMs, kvUsed, kvMax }: ReadingFigures) {
  const memory = kvMax === null ? {} : { kvMs: tenths(kvMs), kvUsed: Math.round(kvUsed), kvMax };
  return { lineMs: tenths(lineMs), work: Math.round(work), tokensPerMs: tenths(tokensPerMs), ...memory };
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10;
