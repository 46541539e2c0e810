/** Options of what is told of requests. */
import * as z from "zod";

/** Headers of one export: a key of the receiver, and what names its tenant. */
const OTLP_HEADERS_MAX = 8;

const otlp = z.strictObject({
  url: z
    .string()
    .min(1)
    .max(2000)
    .describe("Where spans are POSTed as OTLP/HTTP in JSON: the whole URL, mostly one that ends in /v1/traces."),
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
      z.strictObject({
        secret: z
          .string()
          .regex(/^[A-Z][A-Z0-9_]{0,63}$/)
          .describe("Name of the secret that is the header's whole value."),
      }),
    )
    .refine((headers) => Object.keys(headers).length <= OTLP_HEADERS_MAX, {
      error: `keep to ${OTLP_HEADERS_MAX} headers`,
    })
    .default({})
    .describe(
      'Headers by name, each from the environment secret that is named, such as {"authorization": {"secret": "OTLP_AUTH"}}, whose value is the whole header. At most 8. Default {}.',
    ),
  sample: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe(
      "Share of the requests that come without a traceparent and begin a trace, 0 to 1. One that comes with it is told as its client has decided. Default 1.",
    ),
});

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
  otlp: otlp
    .optional()
    .describe(
      "Exports a span for each request and each of its attempts to an OpenTelemetry receiver. Default: absent, and nothing is exported.",
    ),
});

export type SightConfig = z.output<typeof SightSchema>;
