/** A request as this page shows it: the router's record of it, and nothing of the page's own. */
import type { RequestRecord } from "../src/sight/core/record.ts";

export type ShownRequest = RequestRecord;
