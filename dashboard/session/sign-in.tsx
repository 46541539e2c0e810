/** The door of the page: an admin key, once. It is in this field and nowhere else, and gone when it was sent. */
import { useEffect, useRef, useState } from "preact/hooks";
import { signIn } from "./session.ts";

export function SignIn({ because }: { readonly because: string | null }) {
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
    if (refused === null) return;
    setError(refused);
    input.select();
  };

  return (
    <main class="door" id="content">
      <form class="door-form" onSubmit={(event) => void submit(event)} noValidate>
        <h1>Warmpath</h1>
        {because === null ? null : <p class="door-because">{because}</p>}
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
    </main>
  );
}
