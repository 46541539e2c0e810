/** The page's head: what it is, whether it is up to date, and what concerns all of it. */
import { connection } from "./live/live.ts";
import type { Connection } from "./live/live-step.ts";
import { signOut } from "./session/session.ts";
import { store } from "./store/page-store.ts";
import { formatCount } from "./store/format.ts";
import { chooseTheme, theme, THEMES } from "./theme.ts";

const SAID: Readonly<Record<Connection, string>> = {
  connecting: "Connecting …",
  live: "Live",
  polling: "Polling every 2 s",
  lost: "Connection lost, trying again",
  expired: "Session ended",
  hidden: "Resting",
};

function ConnectionState() {
  const paused = store.paused.value && (connection.value === "live" || connection.value === "polling");
  return (
    <span class={`connection connection-${paused ? "paused" : connection.value}`} role="status" aria-label="Connection">
      <span class="connection-dot" aria-hidden="true" />
      {paused ? "Paused" : SAID[connection.value]}
    </span>
  );
}

function PauseButton() {
  const paused = store.paused.value;
  const waiting = store.waiting.value;
  return (
    <button type="button" class="button" aria-pressed={paused} onClick={() => store.setPaused(!paused)}>
      {paused ? "Resume updates" : "Pause updates"}
      {waiting > 0 ? <span class="count"> {formatCount(waiting)} waiting</span> : null}
    </button>
  );
}

function ThemeSwitch() {
  return (
    <label class="inline-field">
      Theme
      <select
        value={theme.value}
        onChange={({ currentTarget }) => chooseTheme(THEMES.find((one) => one === currentTarget.value) ?? "system")}
      >
        {THEMES.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Header({ sections }: { readonly sections: readonly (readonly [id: string, title: string])[] }) {
  return (
    <header class="head">
      <h1 class="brand">Warmpath</h1>
      <ConnectionState />
      <nav class="head-nav" aria-label="Sections">
        <ul>
          {sections.map(([id, title]) => (
            <li key={id}>
              <a href={`#${id}`}>{title}</a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="head-actions">
        <PauseButton />
        <ThemeSwitch />
        <button type="button" class="button" onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
    </header>
  );
}
