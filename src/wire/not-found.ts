/**
 * What a client is told that asked for what is not there: what there is, and what it may have meant. Who shows no key
 * learns the list of paths, which is the same everywhere; names of pools and models are for who has one.
 */
import { nearest } from "../config/config-nearest.ts";
import type { Config } from "../config/config.ts";
import { methodsOf } from "./open-paths.ts";
import type { ErrorReason } from "./errors.ts";

export type NotFound = { readonly reason: ErrorReason; readonly detail: string; readonly param?: string };

/** Most names that an answer lists: it is a hint, and a message has its bound. All operations on jobs fit. */
const NAMES_MAX = 20;
/** What of the client's own word is repeated to it. */
const WORD_CHARS_MAX = 100;

/** By how they are called most often. */
const SERVED = [
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/embeddings",
  "/v1/responses",
  "/v1/messages",
  "/v1/images/generations",
  "/v1/audio/speech",
  "/v1/moderations",
  "/v1/rerank",
  "/v1/models",
  "/v1/jobs",
  "/health",
  "/livez",
  "/readyz",
  "/metrics",
  "/admin/fleet",
  "/admin/explain",
] as const;

/** `served`: every path there is, its parameters in braces. */
export function notServed(path: string, served: readonly string[]): NotFound {
  const meant = nearestServed(path, served);
  const detail = [
    `Nothing is served at ${shown(path)}.`,
    meant === null ? "" : `Did you mean ${meant}?`,
    path === "/" || methodsOf(path).length === 0 ? "" : `At a pool's endpoints it is reached as /p/{pool}${path}.`,
    `Served are ${SERVED.join(", ")}, /p/{pool}/{path} and /v2/{pool}/run; /openapi.json has all of them.`,
  ];
  return { reason: "not_found", detail: spaced(detail) };
}

/** A served path behind a prefix too many or too few, or with a typo. What fills a parameter is the client's own. */
function nearestServed(path: string, served: readonly string[]): string | null {
  const lower = path.toLowerCase();
  const behind = SERVED.find((one) => one.startsWith("/v1/") && lower.endsWith(one.slice("/v1".length)));
  const known = [...SERVED, ...served.flatMap((one) => filledBy(path, one) ?? [])];
  // A path that is there for another method is no other path.
  return (
    behind ??
    nearest(
      path,
      known.filter((one) => one !== path),
    )
  );
}

/** With the segments of `path` in the place of parameters; null: it has fewer. */
function filledBy(path: string, template: string): string | null {
  const segments = path.split("/");
  const filled = template.split("/").map((one, at) => (one.startsWith("{") ? (segments[at] ?? "") : one));
  return filled.slice(1).includes("") ? null : filled.join("/");
}

export function unknownPool(name: string, { pools }: Config): NotFound {
  return {
    reason: "unknown_pool",
    detail: unknown(`There is no pool "${shown(name)}".`, name, [...pools.keys()], "Pools"),
  };
}

export function unknownModel(name: string, { poolIdByModel }: Config): NotFound {
  const models = [...poolIdByModel.keys()];
  const detail = unknown(`No pool serves the model "${shown(name)}".`, name, models, "Models");
  return { reason: "unknown_model", param: "model", detail };
}

/** A word of a path of ours that is none: `known` are those that could stand there. */
export function unknownAction(path: string, word: string, known: readonly string[]): NotFound {
  const detail = unknown(`There is no "${shown(word)}" below ${path}.`, word, known, "There are");
  return { reason: "not_found", detail };
}

function unknown(problem: string, name: string, known: readonly string[], what: string): string {
  const near = nearest(name.trim(), known) ?? known.find((one) => name.endsWith(one)) ?? null;
  const more = known.length > NAMES_MAX ? ", …" : "";
  const list = `${what}${what === "There are" ? "" : ":"} ${known.slice(0, NAMES_MAX).join(", ")}${more}.`;
  return spaced([problem, near === null ? "" : `Did you mean "${near}"?`, list]);
}

const shown = (word: string): string => word.slice(0, WORD_CHARS_MAX);

const spaced = (parts: readonly string[]): string => parts.filter((part) => part !== "").join(" ");
