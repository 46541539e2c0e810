/**
 * Asks before something is done that traffic will feel: one native dialog for the whole page, so that focus stays in it,
 * Escape says no, and focus returns to where it was.
 */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export type Question = {
  readonly title: string;
  /** What will happen, in a sentence or two. */
  readonly text: string;
  /** What the button says that does it: a verb. */
  readonly action: string;
  /** It takes something out of service or cannot be undone. */
  readonly danger?: boolean;
};

type Asked = Question & { readonly answer: (yes: boolean) => void };

const asked = signal<Asked | null>(null);

/** True when the reader has said yes. A question while another is open is answered no. */
export function askConfirm(question: Question): Promise<boolean> {
  if (asked.peek() !== null) return Promise.resolve(false);
  return new Promise((answer) => {
    asked.value = { ...question, answer };
  });
}

/** Once on the page. */
export function ConfirmDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const question = asked.value;
  useEffect(() => {
    if (question !== null && dialog.current?.open === false) dialog.current.showModal();
  }, [question]);
  const end = (yes: boolean): void => {
    const open = asked.peek();
    asked.value = null;
    if (dialog.current?.open === true) dialog.current.close();
    open?.answer(yes);
  };
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="confirm-title" onClose={() => end(false)}>
      <h2 id="confirm-title">{question?.title}</h2>
      <p>{question?.text}</p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={() => end(false)}>
          Cancel
        </button>
        <button
          type="button"
          class={question?.danger === true ? "button button-danger" : "button button-main"}
          onClick={() => end(true)}
        >
          {question?.action ?? "Go on"}
        </button>
      </div>
    </dialog>
  );
}
