/** A request that was read, and what is sent of it. */
import type { EdgePool } from "../dispatch/runtime.ts";
import type { HeaderRecord } from "../wire/headers.ts";
import type { ParcelForm } from "./form.ts";
import type { Speaking } from "./speaking.ts";

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
  /** Who can answer it, and how each is asked; absent: everybody, as it is. */
  readonly speaking?: Speaking | undefined;
};

/** It goes up while it comes. */
export const isStreamed = ({ form }: Pick<Parcel, "form">): boolean => (form?.upload ?? null) !== null;
