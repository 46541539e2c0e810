/**
 * Decides what `Prefer` (RFC 7240) says about asynchronous answers. Every request pays for the look, so it stays a few
 * string operations; a preference that cannot be read is ignored, as the RFC says.
 */

/** Longest wait that a client may prefer, ms. Proxies in between give up soon after a minute. */
export const PREFER_WAIT_MS_MAX = 60_000;

export type Preference = {
  readonly isAsync: boolean;
  /** ms, from whole seconds, at most `PREFER_WAIT_MS_MAX`; null: none. */
  readonly waitMs: number | null;
};

export function parsePrefer(value: string | null): Preference {
  let isAsync = false;
  let waitMs: number | null = null;
  for (const part of (value ?? "").split(",")) {
    const [token = "", argument] = (part.split(";")[0] ?? "").trim().split("=");
    const name = token.trim().toLowerCase();
    if (name === "respond-async") isAsync = true;
    const seconds = /^\s*"?(\d{1,6})"?\s*$/.exec(argument ?? "")?.[1];
    // The first one counts.
    if (name === "wait" && seconds !== undefined) waitMs ??= Math.min(PREFER_WAIT_MS_MAX, Number(seconds) * 1_000);
  }
  return { isAsync, waitMs };
}

/** Value of `Preference-Applied` for a request that was answered as it preferred. */
export function preferenceApplied({ waitMs }: Preference): string {
  return waitMs === null ? "respond-async" : `respond-async, wait=${Math.round(waitMs / 1_000)}`;
}
