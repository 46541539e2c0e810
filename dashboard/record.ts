/** One request as the router tells it when it has ended: metadata only. What is not known is null. */
export type RequestRecord = {
  readonly id: string;
  readonly traceId: string | null;
  readonly atMs: number;
  readonly method: string;
  readonly route: string;
  readonly tenant: string | null;
  readonly keyId: string | null;
  readonly pool: string | null;
  readonly model: string | null;
  readonly stream: boolean;
  readonly priority: string | null;
  readonly colo: string | null;
  readonly clientRegion: string | null;
  readonly outcome: string;
  readonly reason: string | null;
  readonly status: number;
  readonly endpoint: string | null;
  readonly region: string | null;
  readonly why: string | null;
  readonly attempts: readonly AttemptRecord[];
  readonly rails: readonly RailRecord[];
  /** `total` is always known. */
  readonly ms: Readonly<Record<"overhead" | "lease" | "queue" | "rails" | "ttft", number | null>> & {
    readonly total: number;
  };
  readonly tokens: Readonly<Record<"in" | "cached" | "out", number | null>>;
  readonly bytes: { readonly in: number | null; readonly out: number | null };
  readonly candidates?: readonly CandidateRecord[];
};

export type AttemptRecord = {
  readonly endpoint: string;
  readonly region: string;
  readonly why: string;
  readonly sentMs: number;
  readonly firstByteMs: number | null;
  readonly endedMs: number;
  readonly status: number | null;
  readonly lost: string | null;
  readonly hedge: boolean;
  readonly said: string | null;
};

export type RailRecord = {
  readonly rail: string;
  readonly stage: string;
  readonly status: string;
  readonly action: string | null;
  readonly shadow: boolean;
  readonly ms: number;
  readonly rules: readonly string[];
};

export type CandidateRecord = {
  readonly endpoint: string;
  readonly region: string;
  readonly ms: number;
  readonly terms: Readonly<Record<string, number>>;
  readonly inFlight: number;
  readonly capacity: number;
  readonly warmth: string;
  readonly excluded: string | null;
  readonly why: string;
};
