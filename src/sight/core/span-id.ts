/**
 * Decides the ids of a request's spans: its own is drawn, those of its attempts are made of it, so that nothing more has to
 * be drawn, kept or told.
 */

/** Of its `nth` attempt, from 0; another one for each of 254. 16 lower-case hex digits, as `spanId`, whose bytes are not 0. */
export function attemptSpanId(spanId: string, nth: number): string {
  const last = Number.parseInt(spanId.slice(-2), 16) ^ ((nth % 254) + 1);
  return spanId.slice(0, -2) + last.toString(16).padStart(2, "0");
}
