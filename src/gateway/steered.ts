/** Which requests another pool may serve or see (`traffic.ts`). */
import type { Config } from "../config/config.ts";
import type { EdgePool } from "../dispatch/runtime.ts";
import type { InferencePath } from "../wire/openai.ts";
import type { Parcel } from "./parcel.ts";

/** A request for inference that was read, and its pool. */
export type Inferring = Pick<Parcel, "pool" | "json" | "stream" | "steered"> & {
  readonly path: InferencePath;
  readonly bytes: ArrayBuffer;
};

/** Three look-ups: all that a request pays for of which the config says nothing. */
export const isSteered = (
  { config: { fallback, shadow } }: EdgePool,
  model: string | null,
  { splits }: Pick<Config, "splits">,
): boolean => fallback.length > 0 || shadow !== undefined || (splits.size > 0 && splits.has(model ?? ""));
