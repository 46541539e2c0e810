/** A request as this page shows it: the router's record of it. */
export type { RequestRecord as ShownRequest } from "../src/sight/core/record.ts";
