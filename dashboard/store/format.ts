/**
 * How figures are written. What is not known is `UNKNOWN`, never 0: `Figure` (parts/figure.tsx) says it in words to who
 * cannot see a dash.
 */

export const UNKNOWN = "–";

type Maybe = number | null | undefined;

const isKnown = (value: Maybe): value is number => value !== null && value !== undefined && Number.isFinite(value);

/** Three digits at most, and the unit that fits: `0.38 ms`, `38 ms`, `1.24 s`, `2.5 min`. */
export function formatMs(ms: Maybe): string {
  if (!isKnown(ms)) return UNKNOWN;
  if (ms < 0) return `−${formatMs(-ms)}`;
  if (ms < 9.95) return `${tidy(ms, digitsOf(ms))} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9_995) return `${(ms / 1_000).toFixed(2)} s`;
  if (ms < 99_950) return `${(ms / 1_000).toFixed(1)} s`;
  return formatSpan(ms);
}

/** How long ago or how long yet, for people: `now`, `12 s`, `4 min`, `3 h`, `2 d`. */
export function formatSpan(ms: Maybe): string {
  if (!isKnown(ms)) return UNKNOWN;
  const s = ms / 1_000;
  if (s < 1) return "now";
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5_400) return `${Math.round(s / 60)} min`;
  if (s < 129_600) return `${Math.round(s / 3_600)} h`;
  return `${Math.round(s / 86_400)} d`;
}

/** `ago` for a span that began: `12 s ago`, and `now` alone. */
export function formatAgo(ms: Maybe): string {
  const span = formatSpan(ms);
  return span === "now" || span === UNKNOWN ? span : `${span} ago`;
}

/** `0`, `0.25`, `38`, `1,240`, `12.4k`, `3.1M`. */
export function formatCount(count: Maybe): string {
  if (!isKnown(count)) return UNKNOWN;
  if (count >= 999_500) return `${tidy(count / 1_000_000, 1)}M`;
  if (count >= 9_999.5) return `${tidy(count / 1_000, 1)}k`;
  if (count < 9.95 && !Number.isInteger(count)) return tidy(count, digitsOf(count));
  return Math.round(count).toLocaleString("en-US");
}

/** `0 %`, `0.04 %`, `1.2 %`, `38 %`: a share that is not nothing is never written as 0. */
export function formatShare(share: Maybe): string {
  if (!isKnown(share)) return UNKNOWN;
  const percent = share * 100;
  if (percent === 0) return "0 %";
  if (percent < 0.01) return "< 0.01 %";
  if (percent < 0.995) return `${tidy(percent, 2)} %`;
  if (percent < 9.95) return `${tidy(percent, 1)} %`;
  if (percent < 100 && percent >= 99.5) return `${(Math.floor(percent * 10) / 10).toFixed(1)} %`;
  return `${Math.round(percent)} %`;
}

/** `14:05:09.4`, where the reader is. */
export function formatClock(atMs: number): string {
  const at = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  const tenth = Math.floor(at.getMilliseconds() / 100);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${tenth}`;
}

export function formatBytes(bytes: Maybe): string {
  if (!isKnown(bytes)) return UNKNOWN;
  if (bytes < 1_000) return `${Math.round(bytes)} B`;
  if (bytes < 999_500) return `${tidy(bytes / 1_000, bytes < 9_950 ? 1 : 0)} kB`;
  return `${tidy(bytes / 1_000_000, 1)} MB`;
}

/** A word of the wire for people: `upstream_failed` is `upstream failed`. */
export const inWords = (slug: string): string => slug.replaceAll("_", " ");

/** As texts are looked for: as they are shown, and as they are in a log, in whatever case. */
export const findable = (text: string): string => inWords(text).toLowerCase();

/** `1 endpoint`, `2 endpoints`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

/** Below 1 a second digit tells marks of an axis apart. */
const digitsOf = (value: number): number => (value < 0.995 ? 2 : 1);

/** At most so many digits behind the point, and no zeros at the end. */
const tidy = (value: number, digits: number): string => String(Number(value.toFixed(digits)));
