import type { EdgeEnv, Runtime, Waiting } from "../dispatch/runtime.ts";

/** Whose question it is who somebody is: with what must be known and kept alive for the answer. */
export type Asking = { readonly runtime: Runtime; readonly env: EdgeEnv; readonly ctx: Waiting };
