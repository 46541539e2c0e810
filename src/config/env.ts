/**
 * What the platform hands to the Worker and the Durable Objects, and the config that both read from it.
 *
 * A binding replaces the bundled file, so that a self-hosted router, a test and the demo run the same bundle with their
 * own fleet. The bundled one was read by the build; what a binding says is read once per isolate and kept by its text,
 * by a part of the bundle that its first request loads: the schema weighs as much as half of all that is needed at start.
 */
import { invariant } from "../lib/invariant.ts";
import { ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { builtConfig } from "./built-config.ts";
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

/** `id`: its text, or the word for the bundled one. */
export type LoadedConfig = { readonly id: string; readonly parsed: Result<Config, null> };

let loaded: LoadedConfig | null = null;

/** No text of a config: of the one that is bundled an isolate has what the build has read in it. */
const BUNDLED = "\u0000bundled";

const idOf = (env: Env): string => env.WARMPATH_CONFIG ?? BUNDLED;

/** As it was written. */
export async function configText(env: Env): Promise<string> {
  return env.WARMPATH_CONFIG ?? (await import("./bundled-text.ts")).bundledText;
}

/** Is it there for `loadConfig`, without waiting. */
export function isConfigReady(env: Env): boolean {
  const id = idOf(env);
  if (loaded?.id === id) return true;
  if (id !== BUNDLED || builtConfig === null) return false;
  loaded = { id, parsed: ok(builtConfig) };
  return true;
}

/** Whatever the platform calls, the Worker's door and the objects, waits for this before anything asks for the config. */
export async function prepareConfig(env: Env): Promise<void> {
  if (isConfigReady(env)) return;
  const { configOfText } = await import("./config-of-text.ts");
  loaded = { id: idOf(env), parsed: configOfText(await configText(env)) };
}

/** After `prepareConfig`. */
export function loadConfig(env: Env): LoadedConfig {
  invariant(isConfigReady(env) && loaded !== null, "the config is read before it is asked for");
  return loaded;
}
