/** What the feed is bound to. */
import type { EdgeEnv } from "../../dispatch/runtime.ts";

export type FeedEnv = EdgeEnv;
