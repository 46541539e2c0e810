/** Where one engine tells of its load, as far as is known: apart from `ask.ts`, which is loaded when it is asked. */
import type { EngineLoad } from "../../src/config/config.ts";

export type TellingPath = Exclude<EngineLoad, "auto" | "off">;

/** Where one engine tells; written in place. */
export type EngineEye = { path: TellingPath | null; misses: number; lookAtMs: number };

/** By the config: where it tells, or to be found. */
export const createEye = (from: TellingPath | "auto"): EngineEye => ({
  path: from === "auto" ? null : from,
  misses: 0,
  lookAtMs: Number.NEGATIVE_INFINITY,
});
