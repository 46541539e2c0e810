/**
 * What the Worker and a shard say to each other. Plain data, unions instead of exceptions: a Worker and a Durable Object
 * of different versions meet at every deploy, so add optional fields and never change the meaning of one.
 *
 * Every time in a message is a duration. Instants never cross: the shard's clock alone ends leases, so skew between
 * machines cannot end one early.
 */
import type { AffinityKey } from "./shard/affinity.ts";
import type { AttemptPurpose } from "./shard/budget.ts";
import type { Sender } from "./shard/fair-shares.ts";
import type { ByPriority, Priority } from "./shard/priority.ts";
import type { ViewSet } from "./endpoint/endpoint-view.ts";
import type { HedgeAdvice } from "./endpoint/first-byte.ts";
import type { Place } from "./pool.ts";
import type { PoisonTold } from "./shard/poison.ts";
import type { Candidate, RouteReason } from "./cost/route.ts";

/**
 * How an attempt ended, as far as the endpoint is concerned.
 * `served`: an answer came and ended as it should. `cut`: it broke after the first byte. `cancelled`: the client left.
 * `client_fault`: the endpoint refused the request itself. `capacity`: it had no room. `failed`: it broke. `late`: its first
 * token did not come in time, and nothing else speaks against it. `disputed`: it answered with an error of its own, and another endpoint did so for the same request:
 * whose fault it was is not known. `unused`: nothing was sent to it, or it was put back before anything came of it.
 */
export type AttemptOutcome =
  | "served"
  | "cut"
  | "cancelled"
  | "client_fault"
  | "capacity"
  | "failed"
  | "late"
  | "disputed"
  | "unused";

/** Epoch of a lease that the edge gave itself while no shard answered; real epochs start at 1. */
export const LOCAL_EPOCH = 0;

/**
 * Most of a failed answer that is told, in characters: more than is shown of it, so that whoever redacts it sees a key whole
 * (`wire/failure-text.ts`).
 */
export const FAILURE_CHARS_MAX = 1_024;

/** What an attempt or a probe showed when it failed, as it came: to be redacted before anyone sees it. */
export type AttemptFailure = {
  /** Status of the answer; null: none came. */
  readonly status: number | null;
  /** The start of its body, or what broke. */
  readonly text: string;
  /** Of the request that met it; absent: a probe's, or an older Worker's. */
  readonly requestId?: string;
};

/** Whose request runs under a lease that was not granted for it: a credit, or one that the edge gave itself. */
export type Owner = {
  readonly sender: Sender;
  /** Absent: normal. */
  readonly priority?: Priority;
};

export type Settlement = {
  readonly leaseId: string;
  readonly endpointId: string;
  /** Epoch of the grant. */
  readonly epoch: number;
  readonly outcome: AttemptOutcome;
  /** From dispatch to the end, ms. */
  readonly heldMs: number;
  /** For as long as its client wanted, as a socket is: it teaches nothing of how long requests take. Absent: no. */
  readonly isHeld?: boolean;
  /** From dispatch to the first non-empty token of a stream, ms; null when there was none. */
  readonly ttftMs: number | null;
  /** From dispatch to the response headers, ms, where they came before the first token; else null. */
  readonly headersMs: number | null;
  /**
   * From dispatch to the first byte of a stream's body, ms; of an attempt that lost to its hedge, to its end, which came
   * sooner. Null or absent when it is not known.
   */
  readonly firstByteMs?: number | null;
  readonly clientKey: string;
  readonly inputTokens: number;
  /** The endpoint's in-flight when this attempt was granted. */
  readonly inFlightAtGrant: number;
  /** The GPU worker that answered, where the endpoint tells; else null or absent. */
  readonly workerId?: string | null;
  /** The request's session or prefix, which the endpoint now has in its cache; null or absent: none worth keeping. */
  readonly affinity?: AffinityKey | null;
  /** Tokens of the prompt that were thought to be cached there; absent: 0. */
  readonly cachedTokens?: number;
  /** What the endpoint says at the end that it counted (`usage`), in its own tokens: the prompt … */
  readonly promptTokens?: number;
  /** … how much of that was in its cache, … */
  readonly cachedTrue?: number;
  /** … and the answer. Absent: it did not say. */
  readonly outputTokens?: number;
  /** How long it read what was not cached, ms; without the wait for it. Absent: it did not say. */
  readonly readMs?: number;
  /** The key under which a request comes that goes on from this answer, and the tokens that come before it then. */
  readonly answer?: { readonly key: string; readonly tokens: number };
  /** Of an attempt that found no room: when the endpoint wants to be asked again, ms. Absent or null: it did not say. */
  readonly retryAfterMs?: number | null;
  /**
   * Of an attempt that found no room: which request it was (a hash), where it may be the request's own fault. Absent or
   * null: another endpoint served it, or nobody knows.
   */
  readonly request?: string | null;
  /** Absent: the shard knows, or nobody does. */
  readonly of?: Owner;
  /** Of an attempt that failed, was cut or found no room: what it showed. Absent or null: nothing. */
  readonly failure?: AttemptFailure | null;
  /** Which request it was (a hash), of one that may be what ends endpoints (`shard/poison.ts`). Absent: of no other. */
  readonly suspect?: string;
};

/** What a lease was asked with, as far as its settlement tells it. */
export type AskedWith = Pick<Settlement, "clientKey" | "inputTokens" | "affinity">;

export const ASKED_BY_NOBODY: AskedWith = { clientKey: "", inputTokens: 0, affinity: null };

/** What an attempt has seen of its end; the rest of a settlement its lease knows. */
export type AttemptEnd = Omit<
  Settlement,
  "leaseId" | "endpointId" | "epoch" | "inFlightAtGrant" | "workerId" | "cachedTokens" | "suspect" | keyof AskedWith
>;

/** A lease that the edge still holds: keeps it alive, confirms a credit as spent, or re-creates it after a restart. */
export type LeaseConfirmation = {
  readonly leaseId: string;
  readonly endpointId: string;
  readonly epoch: number;
  readonly capLeftMs: number;
  /** The GPU worker that serves it, once it is known; else null or absent. */
  readonly workerId?: string | null;
  /** Absent: the shard knows, or nobody does. */
  readonly of?: Owner;
  /** Tokens of its prompt, and those that the endpoint is expected to read; absent: an older Worker, or nothing to read. */
  readonly prompt?: number;
  readonly work?: number;
  /** Its first token has come. */
  readonly begun?: boolean;
  /** How long it has been at the endpoint, ms; negative: it will be. */
  readonly sinceMs?: number;
  /** What the way from the endpoint takes, ms. */
  readonly backMs?: number;
};

/** A first token came: its prompt is in line no longer. If this is lost, the line goes on by itself. */
export type Begun = {
  readonly leaseId: string;
  readonly endpointId: string;
  /** How long ago it came, ms, … */
  readonly agoMs: number;
  /** … and what its way from the endpoint took, ms. */
  readonly backMs: number;
};

/** What an edge isolate has to tell; rides on an acquire where one is due anyway. */
export type Report = {
  readonly settled: readonly Settlement[];
  readonly held: readonly LeaseConfirmation[];
  readonly begun?: readonly Begun[];
};

export type AcquireRequest = {
  /** Made by the edge, unique; credits are `{leaseId}.1`, `{leaseId}.2`, … */
  readonly leaseId: string;
  readonly client: Place | null;
  readonly clientKey: string;
  readonly inputTokens: number;
  /** Session or prefix of a long prompt; null or absent: none. */
  readonly affinity?: AffinityKey | null;
  /** Name of the model, where the pool serves several: it may be an adapter. Null or absent: it makes no difference. */
  readonly adapter?: string | null;
  readonly excluded: readonly string[];
  /** Region whose endpoint could not be reached at all: its others come last. Null or absent: none. */
  readonly avoidRegion?: string | null;
  /** Who pays for it (`budget.ts`). Absent from older Workers: theirs is a retry when endpoints are excluded. */
  readonly purpose?: AttemptPurpose;
  /** 0 from the edge to its nearest shard; 1 when that shard named this one: it may not pass the request on again. */
  readonly hop: 0 | 1;
  /** Requests a second that this isolate sends to this pool from this place, for credits; 0 asks for none. */
  readonly recentPerSecond: number;
  /**
   * No request waits for this: it fills the lease cache before it is empty. The lease itself is a credit then, and the answer
   * is a grant here and now or nothing (`shed`): it waits for no slot, wakes nothing and is passed on to nobody.
   */
  readonly ahead: boolean;
  /**
   * Its attempt at the excluded endpoint waits for this long already, ms: a place beside it is free of charge, and only
   * one where nobody waits likewise. Absent: none is late.
   */
  readonly lateForMs?: number;
  /** The request has been dispatched before: it is bound to nothing by an old picture. Absent: false. */
  readonly again?: boolean;
  /**
   * How long it has waited, at the shard that sent it here or, of one that was put back, at an endpoint, ms: it keeps its
   * place among those that came since.
   */
  readonly waitedMs?: number;
  /**
   * No client waits for this one: a long wait is no reason to refuse it. It is held for as long as the pool holds anybody,
   * and a slot that frees sooner than expected is had at once. Absent: false.
   */
  readonly patient?: boolean;
  /** The class in which it waits; absent: normal. */
  readonly priority?: Priority;
  /** Whose request it is. Absent: not known, or an older Worker's. */
  readonly sender?: Sender;
  /** It may be put back for one of a higher class while it has no byte (`shard-put-back.ts`). Absent: false. */
  readonly mayPutBack?: boolean;
  /** Its answer is a stream, whose first token will be told; absent: nobody says. */
  readonly stream?: boolean;
  /** How much longer its client waits at most, ms; absent: it does not say. */
  readonly clientWaitsMs?: number;
  /** Does the edge want a fresh copy of the views. */
  readonly wantsSnapshot: boolean;
  /** Does it want every candidate with its cost; costs CPU, so only for an explained decision. */
  readonly explain: boolean;
  readonly carry: Report;
};

export type Grant = HedgeAdvice & {
  readonly leaseId: string;
  readonly endpointId: string;
  readonly region: string;
  readonly epoch: number;
  readonly reason: RouteReason;
  readonly costMs: number;
  /** The edge renews before this has passed, ms. */
  readonly ttlMs: number;
  /** Absolute life, ms. */
  readonly capMs: number;
  readonly inFlightAtGrant: number;
  /** How many further leases `{leaseId}.1…` for the same endpoint came with it. */
  readonly credits: number;
  /** How long a credit may be spent after the request for it was sent, ms. */
  readonly creditLifeMs: number;
  /** The GPU worker to ask for; null or absent: nobody. Not for its credits. */
  readonly workerId?: string | null;
  /** Tokens of the prompt that are thought to be cached there; absent: 0. Not for its credits. */
  readonly cachedTokens?: number;
  /** Tokens of the prompt that are expected to be read there. Not for its credits. */
  readonly work?: number;
  /** Expected round trip from the client's place, ms. */
  readonly netMs?: number;
  /** The news of its first token may wait so long for a ride, ms; absent: it is not wanted. */
  readonly begunWithinMs?: number;
};

/** An endpoint of another region to which a request is bound. */
export type SpillCommit = {
  readonly endpointId: string;
  readonly costMs: number;
  readonly inFlight: number;
} & Pick<Grant, "cachedTokens" | "work" | "netMs" | "begunWithinMs">;

/**
 * Another region serves it. Without `commit`: ask the shard of `region`, with hop 1. With it: send the request to that
 * endpoint now, under a lease of the edge's own, and tell that shard meanwhile.
 */
export type Spill = {
  readonly kind: "spill";
  readonly region: string;
  readonly reason: RouteReason;
  readonly commit?: SpillCommit;
};

export type AcquireOutcome =
  | { readonly kind: "granted"; readonly grant: Grant }
  | Spill
  /** All slots are taken; the lease will come: ask `awaitGrant(leaseId)`. */
  | { readonly kind: "queued"; readonly leaseId: string; readonly etaMs: number }
  /** Refused on purpose: no slot within the pool's patience. */
  | { readonly kind: "shed"; readonly retryAfterMs: number }
  /** The budget for second attempts is spent: what became of the first one is the answer. */
  | { readonly kind: "over_budget" }
  /** Nothing is warm, and a cold start takes longer than may be waited; the wake-up has been started. */
  | { readonly kind: "warming_up"; readonly retryAfterMs: number }
  /** No endpoint may take it. */
  | { readonly kind: "no_endpoint" };

export type AcquireReply = {
  readonly outcome: AcquireOutcome;
  /** True near saturation: settle at once, others are waiting. */
  readonly tight: boolean;
  readonly snapshot: ViewSet | null;
  /** Every endpoint that was weighed, with its terms, when asked to explain. */
  readonly candidates: readonly Candidate[] | null;
  /** Its place in line, when asked to explain; absent: an older shard's. */
  readonly line?: LinePlace;
} & ReportReply;

/** Where a request stands that would have to wait for a slot. */
export type LinePlace = {
  readonly priority: Priority;
  /** Those that wait, by class. */
  readonly waiting: ByPriority;
  /** Those of them that its class lets go first; its own sender's and others' take turns. */
  readonly ahead: number;
  /** What a request of its class is expected to wait, ms; 0 where a slot is free and nobody waits. */
  readonly waitMs: number;
};

/** What a shard says to whoever tells it something. */
export type ReportReply = {
  /** Endpoints that what still waits there is to leave (`shard-leave.ts`). Absent: none. */
  readonly leave?: readonly string[];
  /** Leases whose attempts, while they have no byte, are to be put back (`shard-put-back.ts`). Absent: none. */
  readonly putBack?: readonly string[];
  /** Requests under which endpoints ended (`poison.ts`). Absent: none. */
  readonly poison?: readonly PoisonTold[];
};

/** What a queued request gets in the end. */
export type AwaitOutcome = Extract<AcquireOutcome, { kind: "granted" | "spill" | "shed" | "over_budget" }>;
