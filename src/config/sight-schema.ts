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
});

export type SightConfig = z.output<typeof SightSchema>;
