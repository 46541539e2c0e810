/**
 * Decides in which words it is told that a connection came to nothing. The runtime's own say little: it has one sentence for
 * a port where nobody listens and for a reset, and calls a name without an address an internal error of its own.
 */
export function brokenWords(error: unknown): string {
  const text = String(error);
  if (/TimeoutError|AbortError|aborted/.test(text)) return "no answer in time";
  if (text.includes("connection lost")) return `refused, or broken off: ${text}`;
  if (text.includes("internal error")) return "no connection: does its host name have an address? (internal error)";
  return text;
}
