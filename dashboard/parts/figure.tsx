/** A figure that may not be known: a dash for who sees, words for who listens. */
import { UNKNOWN } from "../store/format.ts";

export function Figure({ text }: { readonly text: string }) {
  if (text !== UNKNOWN) return <>{text}</>;
  return (
    <span class="unknown">
      <span aria-hidden="true">{UNKNOWN}</span>
      <span class="unseen">not known</span>
    </span>
  );
}
