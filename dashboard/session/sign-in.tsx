/** The door of the page: an admin key, once. It is in this field and nowhere else, and gone when it was sent. */
import { useEffect, useRef, useState } from "preact/hooks";
import { session, signIn } from "./session.ts";

/** In place of the page. */
export function SignIn({ because }: { readonly because: string | null }) {
  return (
    <main class="door" id="content">
      <div class="door-box">
        <h1>Warmpath</h1>
        {because === null ? null : <p class="door-because">{because}</p>}
        <SignInForm />
      </div>
    </main>
  );
}

/** Over a page whose session has ended: what is on it stays, and goes on. */
export function SignInAgain() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    // Closed before it goes, the focus returns to where it was.
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="again-title"
      // There is nothing to go back to, and a second Escape closes it whoever objects.
      onClose={({ currentTarget }) => {
        if (session.peek().kind === "over") currentTarget.showModal();
      }}
    >
      <h2 id="again-title">Your session has ended</h2>
      <p>Sign in again to go on where you were.</p>
      <SignInForm />
    </dialog>
  );
}

function SignInForm() {
  const field = useRef<HTMLInputElement>(null);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => field.current?.focus(), []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const input = field.current;
    const key = input?.value.trim() ?? "";
    if (input === null || busy) return;
    if (key === "") {
      setError("Enter an admin key.");
      input.focus();
      return;
    }
    setBusy(true);
    const refused = await signIn(key);
    setBusy(false);
    if (refused === null) {
      // Over a page the dialog returns it; in place of one there is nothing that had it.
      requestAnimationFrame(() => {
        if (document.activeElement === document.body) document.getElementById("content")?.focus();
      });
      return;
    }
    setError(refused);
    input.select();
  };

  return (
    <form class="door-form" onSubmit={(event) => void submit(event)} noValidate>
      <label for="admin-key">Admin key</label>
      <input
        ref={field}
        id="admin-key"
        name="key"
        type="password"
        autocomplete="current-password"
        spellcheck={false}
        required
        aria-invalid={error !== null}
        aria-describedby={error === null ? "admin-key-note" : "admin-key-error admin-key-note"}
        onInput={() => setError(null)}
      />
      <p class="door-error" id="admin-key-error" role="alert">
        {error}
      </p>
      <button type="submit" class="button button-main" disabled={busy}>
        {busy ? "Signing in …" : "Sign in"}
      </button>
      <p class="door-note" id="admin-key-note">
        A key with the scope admin. It is sent once for a session that ends by itself; this page does not keep it.
      </p>
    </form>
  );
}
