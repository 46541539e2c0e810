/** What output rails are given: an answer that has begun, and whose it is. */
import type { RailRecord } from "./core/engine.ts";
import type { RailedFormat } from "./core/stream/stream-events.ts";
import type { HeaderRecord } from "../wire/headers.ts";
import type { BegunAnswer } from "../dispatch/begun-answer.ts";
import type { Identity } from "../wire/api-keys.ts";
import type { Checked, RailsHost } from "./check.ts";
import type { EdgePool } from "../dispatch/runtime.ts";
import type { TextRun } from "../translate/core/told.ts";

/** An answer that has begun and is to be looked at. */
export type Railing = {
  readonly edge: RailsHost & { readonly requestId: string; readonly identity: Identity };
  readonly pool: EdgePool;
  readonly begun: BegunAnswer;
  readonly format: RailedFormat;
  /** What the input rails said of the request. */
  readonly checked: Checked;
  /** As the client gets them. */
  readonly headers: HeaderRecord;
  readonly noted: RailingNoted;
  /** What changes the text of a stream behind them; null: nothing. */
  readonly behind: TextRun | null;
};

/** Who tells of the request hears what the rails did. */
export type RailingNoted = {
  /** What they have found by now, whenever it is asked; `isRunning`: the end of a stream is still to come. */
  readonly found: (records: () => readonly RailRecord[], isRunning: boolean) => void;
  /** They end a stream: by a block, or since one of them broke. */
  readonly stopped: (reason: "blocked_by_guardrail" | "guardrail_unavailable") => void;
  /** They have seen the end of a stream. */
  readonly ended: () => void;
};
