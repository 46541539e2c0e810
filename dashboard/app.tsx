/** Who is signed in sees the page, who is not the door. A session that ends leaves the page and its data where they are. */
import { useEffect } from "preact/hooks";
import { connection, startLive } from "./live/live.ts";
import { Page } from "./page.tsx";
import { SignIn } from "./session/sign-in.tsx";
import { session, sessionExpired } from "./session/session.ts";
import { store } from "./store/page-store.ts";

function Live() {
  useEffect(() => startLive(store.take).stop, []);
  const ended = connection.value === "expired";
  useEffect(() => {
    if (ended) sessionExpired();
  }, [ended]);
  return <Page />;
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
      return <Live />;
    default:
      return now satisfies never;
  }
}
