/**
 * What the platform hands to the Worker and the Durable Objects, and the config that both read from it.
 *
 * The config text is parsed once per isolate and kept by its text: a binding replaces the bundled file, so that a
 * self-hosted router, a test and the demo run the same bundle with their own fleet.
 */
import bundledConfig from "../../warmpath.jsonc";
import { err, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { checkConfig } from "./config-check.ts";
import { resolveConfig } from "./config-resolve.ts";
import { ConfigSchema } from "./config-schema.ts";
import { readValue } from "./config-value.ts";
import type { Config } from "./config.ts";

/** Bindings beside the Durable Object namespaces; endpoint secrets are further text bindings, named by the config. */
export type Env = {
  readonly WARMPATH_CONFIG?: string;
  /** "1" honours development headers and routes. Never set it in production. */
  readonly WARMPATH_DEV?: string;
  /** Where the demo's buttons lead, and what they show there; read in development mode alone. */
  readonly WARMPATH_DEMO_CONTROL?: string;
  readonly WARMPATH_DEMO_TOKEN?: string;
  /** "1" where `serve` keeps the process: it ends by draining, and secrets are variables of its environment. */
  readonly WARMPATH_SELF_HOSTED?: string;
  /** "1" where operators have a listener of their own: the public one then has nothing of theirs. */
  readonly WARMPATH_ADMIN_APART?: string;
  /** Where the router stands, as a region's id or `lat,lon`: for clients of whom the platform says nothing. */
  readonly WARMPATH_PLACE?: string;
  /** Secret under which API keys are hashed. */
  readonly WARMPATH_KEY_PEPPER?: string;
  /** The one before it, while it is changed: keys hashed under either are good. */
  readonly WARMPATH_KEY_PEPPER_OLD?: string;
};

/** The present one first. */
export const peppersOf = ({ WARMPATH_KEY_PEPPER = "", WARMPATH_KEY_PEPPER_OLD = "" }: Env): readonly string[] =>
  [WARMPATH_KEY_PEPPER, WARMPATH_KEY_PEPPER_OLD].filter((pepper) => pepper !== "");

export type LoadedConfig = { readonly text: string; readonly parsed: Result<Config, null> };

let loaded: LoadedConfig | null = null;

export function loadConfig(env: Env): LoadedConfig {
  const text = env.WARMPATH_CONFIG ?? bundledConfig;
  if (loaded === null || loaded.text !== text) loaded = { text, parsed: configOf(text) };
  return loaded;
}

/** What is wrong with one that is not right, `config-parse.ts` says. */
function configOf(text: string): Result<Config, null> {
  const shape = ConfigSchema.safeParse(readValue(text));
  return shape.success && checkConfig(shape.data).length === 0 ? ok(resolveConfig(shape.data)) : err(null);
}
