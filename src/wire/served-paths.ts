/**
 * Every path that the router serves, in the words of its own document (`/v1/jobs/{id}`): one list for machines that read
 * it and for people who have missed a path. Read when somebody has missed one, and kept.
 */
import { openApiText } from "./openapi-text.ts";

let paths: readonly string[] | null = null;

/** Empty where the Worker was not built. */
export function servedPaths(): readonly string[] {
  return (paths ??= openApiText === "" ? [] : Object.keys((JSON.parse(openApiText) as Served).paths));
}

type Served = { readonly paths: Readonly<Record<string, unknown>> };
