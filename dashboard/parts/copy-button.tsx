/** Copies a text, and says that it did. */
import { useState } from "preact/hooks";

type Props = {
  readonly text: string;
  /** What is copied, such as "request id". */
  readonly what: string;
};

export function CopyButton({ text, what }: Props) {
  const [said, setSaid] = useState("");
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("Not copied: the browser does not allow it here");
    }
  };
  return (
    <>
      <button type="button" class="button button-small" aria-label={`Copy ${what}`} onClick={() => void copy()}>
        Copy
      </button>
      <span class="copied" role="status">
        {said}
      </span>
    </>
  );
}
