/** Who is signed in sees the page, who is not the door. A session that ends leaves the page and its data where they are. */
import { useEffect } from "preact/hooks";
import { connection, startLive } from "./live/live.ts";
import { Page } from "./page.tsx";
import { SignIn, SignInAgain } from "./session/sign-in.tsx";
import { session, sessionExpired } from "./session/session.ts";
import { store } from "./store/page-store.ts";

/** While it is there, frames come in. */
function Live() {
  useEffect(() => startLive(store.take).stop, []);
  const ended = connection.value === "expired";
  useEffect(() => {
    if (ended) sessionExpired();
  }, [ended]);
  return null;
}

export function App() {
  const now = session.value;
  switch (now.kind) {
    case "asking":
      return (
        <main class="door" id="content">
          <p role="status">Loading …</p>
        </main>
      );
    case "out":
      return <SignIn because={now.because} />;
    case "in":
    case "over":
      return (
        <>
          <Page />
          {now.kind === "in" ? <Live /> : <SignInAgain />}
        </>
      );
    default:
      return now satisfies never;
  }
}
