/** How every answer of ours is dressed. */
import type { Config } from "../config/config.ts";
import { EXPOSED_HEADERS, REQUEST_ID, REQUEST_ID_ANTHROPIC } from "./headers.ts";
import type { HeaderRecord } from "./headers.ts";

const EXPOSED = EXPOSED_HEADERS.join(", ");

/** What every answer carries. */
export function dress(headers: HeaderRecord, requestId: string, config: Config | null): void {
  headers[REQUEST_ID] = requestId;
  headers[REQUEST_ID_ANTHROPIC] = requestId;
  const cors = config?.cors ?? null;
  if (cors === null) return;
  headers["access-control-allow-origin"] = cors.allowOrigin;
  headers["access-control-expose-headers"] = EXPOSED;
}
