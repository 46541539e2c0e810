/** What operators are told of a shard; `shard-news.ts` decides when. */
import type { Standing } from "../endpoint/endpoint-view.ts";
import type { AttemptFailure } from "../shard-messages.ts";
import type { AttemptOutcome } from "../shard-messages.ts";

export type FailureKind = Extract<AttemptOutcome, "failed" | "cut" | "capacity" | "disputed" | "late"> | "probe";

export type LastFailure = AttemptFailure & {
  readonly kind: FailureKind;
  readonly atMs: number;
  /** Of this kind in a row, with the same status. */ readonly count: number;
};

export type NewsLine =
  | {
      readonly event: "endpoint_failed";
      readonly endpointId: string;
      readonly failure: LastFailure;
      /** Failures of this kind since the last line about it, this one included. */
      readonly times: number;
    }
  | {
      readonly event: "endpoint_standing";
      readonly endpointId: string;
      readonly from: Standing;
      readonly to: Standing;
      /** What failed there last; null: nothing has. */
      readonly failure: LastFailure | null;
    }
  | {
      /** Endpoints end under a request, the last of them here: it is refused in the whole fleet. */
      readonly event: "request_refused";
      readonly endpointId: string;
      /** A keyed hash. */
      readonly request: string;
      readonly kills: number;
      readonly endpoints: readonly string[];
      readonly refusedForMs: number;
    };

/** Written in place. */
export type ShardNews = {
  readonly lastFailures: Map<string, LastFailure>;
  /** By endpoint and kind of failure: when its last line was due, and failures since. */
  readonly kinds: Map<string, { readonly toldAtMs: number; readonly since: number }>;
  /** The standing that was told last; absent: it admits. */
  readonly standings: Map<string, Standing>;
  readonly lines: NewsLine[];
};
