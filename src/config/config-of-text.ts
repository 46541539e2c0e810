/**
 * Decides what a text is as a config, for a Worker: the whole of it or nothing. What is wrong with one that is not right,
 * `config-parse.ts` says. A part of the bundle: the config that is deployed with a Worker was read by the build.
 */
import { err, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { checkConfig } from "./config-check.ts";
import { resolveConfig } from "./config-resolve.ts";
import { ConfigSchema } from "./config-schema.ts";
import { readValue } from "./config-value.ts";
import type { Config } from "./config.ts";

export function configOfText(text: string): Result<Config, null> {
  const shape = ConfigSchema.safeParse(readValue(text));
  return shape.success && checkConfig(shape.data).length === 0 ? ok(resolveConfig(shape.data)) : err(null);
}
