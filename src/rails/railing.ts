/** What output rails are given: an answer that has begun, and whose it is. */
import type { StreamFormatName } from "./core/stream/stream-events.ts";
import type { HeaderRecord } from "../wire/headers.ts";
import type { Begun } from "../dispatch/begin-answer.ts";
import type { Attempt } from "../dispatch/attempt.ts";
import type { Desk } from "../dispatch/lease-desk.ts";
import type { Identity } from "../wire/api-keys.ts";
import type { Checked } from "./check.ts";
import type { EdgePool } from "../dispatch/runtime.ts";

/** An answer that has begun and is to be looked at. */
export type Railing = {
  readonly edge: { readonly desk: Desk; readonly requestId: string; readonly identity: Identity };
  readonly pool: EdgePool;
  readonly attempt: Attempt;
  readonly begun: Begun;
  readonly format: StreamFormatName;
  /** What the input rails said of the request. */
  readonly checked: Checked;
  readonly status: number;
  readonly headers: HeaderRecord;
  readonly isEvents: boolean;
};
