/** An instant as the router writes it, where the reader is. */
import { UNKNOWN } from "../store/format.ts";

const FORMAT = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** What is no instant is not known. */
export function when(iso: string | null): string {
  const at = iso === null ? Number.NaN : Date.parse(iso);
  return Number.isNaN(at) ? UNKNOWN : FORMAT.format(at);
}
