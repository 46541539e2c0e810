/** A request that was read, and what is sent of it. */
import type { EdgePool } from "../dispatch/runtime.ts";
import type { SocketAsk } from "../dispatch/socket-ask.ts";
import type { Checked, InputCheck } from "../rails/check.ts";
import type { HeaderRecord } from "../wire/headers.ts";
import type { Unread } from "../rails/core/rail.ts";
import type { FormUpload } from "./form-upload.ts";
import type { InLine } from "./in-line.ts";
import type { Speaking } from "./speaking.ts";

/** What of a form the pipeline needs to know beside its bytes. */
type ParcelForm = {
  /** The bytes with other texts in their fields; null: they cannot be written. */
  readonly write: (fields: unknown) => Uint8Array | null;
  readonly unread: Unread;
  /** Bytes of its texts. */
  readonly textBytes: number;
  /** Names of its files: they are read as headers are. */
  readonly filenames: string;
  /** Null: all of it is held. */
  readonly upload: FormUpload | null;
};

/** Of a request that another pool may serve, or see. */
export type Steered = {
  /** The client's name of the model, where the pool has another one and the answer is to say it. */
  readonly asked?: string;
  /** How it stands in line, with the pool's share of its time. */
  readonly within: (line: InLine) => InLine;
  /** It has passed its rails and its limits, and its answer has begun. */
  readonly passed: ((parcel: Parcel, checked: Checked) => void) | null;
};

/** What is known of a request before anything is done with it. */
export type Parcel = {
  readonly pool: EdgePool;
  readonly method: string;
  readonly path: string;
  readonly bytes: ArrayBuffer | null;
  /** The parsed body; null when it is not JSON, and no rail can read it. */
  readonly json: unknown;
  readonly stream: boolean;
  /** One of the `/v1` paths, whose body this router understands. */
  readonly isInference: boolean;
  /** Named in the request itself, under `/p`: any path that there is at the endpoint. */
  readonly isClientsPath: boolean;
  /** May an attempt that may have been processed be repeated. */
  readonly repeatable: boolean;
  /** Of the client's headers those that go on. */
  readonly headers: HeaderRecord;
  /** Its body with the wish for usage, where the pool has one; null: as it came. */
  readonly asking: ((body: unknown) => unknown) | null;
  /** What its bytes are where they are a form, of which `json` has the fields; absent: they are none that is read. */
  readonly form?: ParcelForm | undefined;
  /** What its pool is not told of (`traffic.ts`); absent: nothing. */
  readonly steered?: Steered | undefined;
  /** Who can answer it, and how each is asked; absent: everybody, as it is. */
  readonly speaking?: Speaking | undefined;
  /** It opens a socket; absent: it does not. */
  readonly socket?: SocketAsk;
  /** What its rails say, where none of them can look at it; absent: they look. */
  readonly checked?: InputCheck;
};

/** It goes up while it comes. */
export const isStreamed = ({ form }: Pick<Parcel, "form">): boolean => (form?.upload ?? null) !== null;
