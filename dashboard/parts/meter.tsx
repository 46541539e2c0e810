/** How full something is: a bar, and always the numbers beside it. */
type Props = {
  readonly used: number;
  /** 0: there is no room. */
  readonly of: number;
  /** Of the numbers, for who listens, such as "in flight". */
  readonly what: string;
};

export function Meter({ used, of, what }: Props) {
  const share = of > 0 ? Math.min(1, used / of) : used > 0 ? 1 : 0;
  return (
    <span class="meter">
      <svg class="meter-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="meter-track" width="100" height="8" />
        <rect class={share >= 1 ? "meter-full" : "meter-used"} width={Math.round(share * 100)} height="8" />
      </svg>
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
