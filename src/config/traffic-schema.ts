/** Options of where a request goes beside its own pool: other pools behind it, shares of it, and copies. */
import * as z from "zod";
import {
  FALLBACK_POOLS_MAX,
  SHADOW_BODY_BYTES_MAX,
  SHADOW_IN_FLIGHT_MAX,
  SHADOW_TIMEOUT_MS_MAX,
  SPLIT_WEIGHT_MAX,
} from "./config-bounds.ts";

/** `id`: of a pool. */
export const fallback = (id: z.ZodString) =>
  z
    .array(id)
    .max(FALLBACK_POOLS_MAX)
    .default([])
    .describe(
      "Pools that are asked in this order when this one cannot serve an inference request: it is down, full, cold or late, or its attempts have failed before the first byte. At most 4, and no pool that leads back here. Each pool that has another behind it takes half of the time that the client has left. The guardrails of both pools hold. Default []: the request is refused.",
    );

export const shadow = (id: z.ZodString) =>
  z
    .strictObject({
      pool: id.describe("Pool that gets the copies."),
      percent: z.number().gt(0).max(100).describe("Of the requests, above 0 to 100."),
      inFlightMax: z
        .int()
        .min(1)
        .max(SHADOW_IN_FLIGHT_MAX)
        .default(4)
        .describe("Copies that one isolate has under way at once, 1 to 64; what is beyond is not copied. Default 4."),
      bodyBytesMax: z
        .int()
        .min(1)
        .max(SHADOW_BODY_BYTES_MAX)
        .default(262_144)
        .describe("Largest body that is copied, bytes, 1 to 4194304. Default 262144."),
      timeoutMs: z
        .int()
        .min(100)
        .max(SHADOW_TIMEOUT_MS_MAX)
        .default(30_000)
        .describe("A copy is ended after this, ms, 100 to 600000. Default 30000: Cloudflare ends it by then itself."),
    })
    .optional()
    .describe(
      "Copies inference requests that have passed the guardrails to another pool, on slots that nobody needs, and throws the answers away: the client sees nothing of it and pays nothing. Default: absent, and nothing is copied.",
    );

export const split = (id: z.ZodString, model: z.ZodString) =>
  z
    .record(model, z.record(id, z.int().min(0).max(SPLIT_WEIGHT_MAX)))
    .default({})
    .describe(
      'Models that several pools serve, by weight: {"chat": {"stable": 95, "canary": 5}}, at most 100 models of 8 pools each, weights 0 to 1000000. A conversation stays at its pool. The name is a new one, or one of the first pool\'s, whose guardrails hold at each of them. Default {}: each model has one pool.',
    );
