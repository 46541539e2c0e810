/** Options of what is told of requests. */
import * as z from "zod";

export const SightSchema = z.strictObject({
  logServed: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe(
      "Share of the served requests that leave a line in the log, 0 to 1; every request that was not served leaves one. Default 0.01: enough to look at, and a hundredth of the lines that a log service bills. 1 logs all of them, 0 none.",
    ),
  dashboard: z
    .boolean()
    .default(true)
    .describe(
      "Serve the dashboard at /dashboard, and what it asks. Default true: it shows nothing without a key that has the scope admin. false: both answer 404, and no session is made.",
    ),
  historyDays: z
    .int()
    .min(1)
    .max(90)
    .default(7)
    .describe(
      "For so long the figures of each minute are kept for charts, days, 1 to 90; figures of each hour are kept for 90 days. Default 7: a week of minutes is 20 MB.",
    ),
});

export type SightConfig = z.output<typeof SightSchema>;
