/** A new secret, once. It is in this dialog and nowhere else on the page, and gone when the dialog is closed. */
import { useEffect, useRef } from "preact/hooks";
import { CopyButton } from "../parts/copy-button.tsx";

type Props = { readonly id: string; readonly secret: string; readonly onClose: () => void };

export function SecretDialog({ id, secret, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="dialog dialog-wide" aria-labelledby="secret-title" onClose={onClose}>
      <h2 id="secret-title">The secret of {id}</h2>
      <p>Copy it now: it is not shown again, and nobody can look it up.</p>
      <p class="secret mono">{secret}</p>
      <CopyButton text={secret} what="the secret" />
      <div class="dialog-actions">
        <button type="button" class="button button-main" onClick={() => dialog.current?.close()}>
          I have it
        </button>
      </div>
    </dialog>
  );
}
