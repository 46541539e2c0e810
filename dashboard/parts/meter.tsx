/**
 * How full something is: a bar, and always the numbers beside it. Two hundred of them change every second, and a picture
 * (SVG) for each takes a browser three times as long to draw.
 */
import { UNKNOWN } from "../store/format.ts";
import { Figure } from "./figure.tsx";

type Props = {
  /** Null: not known. */
  readonly used: number | null;
  /** 0: there is no room. */
  readonly of: number | null;
  /** Of the numbers, for who listens, such as "in flight". */
  readonly what: string;
};

export function Meter({ used, of, what }: Props) {
  if (used === null || of === null) return <Figure text={UNKNOWN} />;
  const share = of > 0 ? Math.min(1, used / of) : used > 0 ? 1 : 0;
  return (
    <span class="meter">
      {/* By the object model of styles, which the page's policy allows; an attribute would be refused. */}
      <span class={share >= 1 ? "meter-bar meter-full" : "meter-bar"} style={{ "--used": share }} aria-hidden="true" />
      <span class="meter-numbers">
        {used}
        <span aria-hidden="true">/</span>
        <span class="unseen"> of </span>
        {of}
        <span class="unseen"> {what}</span>
      </span>
    </span>
  );
}
