/** What output rails are given: an answer that has begun, and whose it is. */
import type { RailedFormat } from "./core/stream/stream-events.ts";
import type { HeaderRecord } from "../wire/headers.ts";
import type { BegunAnswer } from "../dispatch/begun-answer.ts";
import type { Identity } from "../wire/api-keys.ts";
import type { Checked, RailsHost } from "./check.ts";
import type { EdgePool } from "../dispatch/runtime.ts";

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
};
