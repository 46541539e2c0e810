/** Options of what the operator is told of by webhook. Each rule that is null is not watched. */
import * as z from "zod";
import {
  ALERT_KEY_DAYS_MAX,
  ALERT_MS_MAX,
  ALERT_MS_MIN,
  ALERT_REPEAT_MS_MIN,
  ALERT_SAMPLES_MAX,
  ALERT_WINDOW_MS_MAX,
  ALERT_WINDOW_MS_MIN,
} from "./config-bounds.ts";

/** The NAME of an environment secret. */
const SECRET_NAME = /^[A-Z][A-Z0-9_]{0,63}$/;

const secretName = z
  .string()
  .regex(SECRET_NAME, { error: 'write the NAME of a secret, such as "OPS_WEBHOOK_SECRET", never the secret itself' })
  .optional();
const int = (min: number, max: number) => z.int().min(min).max(max);
const share = (standard: number) => z.number().gt(0).max(1).nullable().default(standard);
const orNull = (min: number, max: number, standard: number | null) => int(min, max).nullable().default(standard);
/** At least a look. */
const ms = (standard: number) => orNull(ALERT_MS_MIN, ALERT_MS_MAX, standard);

const rules = z.strictObject({
  windowMs: int(ALERT_WINDOW_MS_MIN, ALERT_WINDOW_MS_MAX)
    .default(300_000)
    .describe("Over which time shares are taken, ms, 60000 to 3600000. Default 300000."),
  samplesMin: int(1, ALERT_SAMPLES_MAX)
    .default(50)
    .describe("With fewer in the window a share is not known, 1 to 100000. Default 50."),
  errorShare: share(0.05).describe(
    "Share of requests that were not served, of those that the client is not at fault for, above 0 to 1; well again at half of it. Default 0.05; null: not watched.",
  ),
  firstTokenMs: orNull(1, ALERT_MS_MAX, null).describe(
    "Objective of the time to first token, ms, 1 to 86400000: told when more than 5 % are later for certain. Default null: not watched.",
  ),
  noEndpointMs: ms(60_000).describe(
    "Told when no endpoint of a pool has taken traffic for so long, ms, 1000 to 86400000. Default 60000; null: not watched.",
  ),
  capacityShare: share(0.5).describe(
    "Told when fewer than this share of a pool's endpoints has taken traffic for a minute, above 0 to 1; what an operator drained is not counted. Default 0.5; null: not watched.",
  ),
  budgetMs: ms(60_000).describe(
    "Told when a pool could not repeat a failed attempt for so long, ms, 1000 to 86400000. Default 60000; null: not watched.",
  ),
  coldStarts: orNull(1, ALERT_SAMPLES_MAX, 20).describe(
    "Told when so many requests of a pool had to wait for a cold start within the window, 1 to 100000. Default 20; null: not watched.",
  ),
  queueOlderThanMs: ms(300_000).describe(
    "Told when a job has waited so long, ms, 1000 to 86400000. Default 300000; null: not watched.",
  ),
  refusedRequests: orNull(1, ALERT_SAMPLES_MAX, 1).describe(
    "Told when so many requests of a pool are refused because endpoints ended under them, 1 to 100000. Default 1; null: not watched.",
  ),
  keyDays: orNull(1, ALERT_KEY_DAYS_MAX, 7).describe(
    "Told so many days before a key expires, 1 to 365. Default 7; null: not watched.",
  ),
  spendShare: share(0.8).describe(
    "Told when a tenant has spent this share of its cap, above 0 to 1. Default 0.8; null: not watched.",
  ),
});

export const AlertsSchema = z.strictObject({
  url: z
    .string()
    .min(1)
    .max(2000)
    .optional()
    .describe("Receiver of a POST for each alert. It may be in a private network. Give url or urlSecret."),
  urlSecret: secretName.describe(
    "Name of the secret that is the receiver's URL, where the URL itself is one, as Slack's are.",
  ),
  secret: secretName.describe(
    "Name of the secret that signs, whsec_…, by Standard Webhooks. Default WARMPATH_WEBHOOK_SECRET; in Slack's form: not signed.",
  ),
  form: z
    .enum(["standard", "slack"])
    .default("standard")
    .describe('What is sent: "standard" is type, timestamp and data; "slack" is text and blocks. Default "standard".'),
  repeatMs: int(ALERT_REPEAT_MS_MIN, ALERT_MS_MAX)
    .default(14_400_000)
    .describe(
      "Told again while it lasts, no more often than this, ms, 60000 to 86400000. Default 14400000: four hours.",
    ),
  rules: rules.prefault({}).describe("What is watched, and from where on it is told."),
});

/** As written, defaults applied. */
export type AlertsConfig = z.output<typeof AlertsSchema>;
