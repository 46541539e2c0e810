/**
 * Decides how the page stays up to date: over a socket while there is one, by asking while there is none.
 *
 * Model. A state machine that is told what happened and answers what to do. A socket that closes is opened again after
 * a back-off that doubles; meanwhile the snapshot is asked for every `POLL_GAP_MS`, at once for the first time, so a
 * network without sockets costs a second and not the page. So it is at the start, beside the first socket. An answer of 401 ends both: the session is over. A socket
 * that has said nothing for `SILENT_MS` in spite of pings is taken for dead: a laptop that slept does not hear it close.
 * A page that nobody looks at (`hide`) has no socket, so that the router counts nobody who watches.
 * Rejected: the browser's EventSource, which would keep the Durable Object in memory.
 */

export const RETRY_MS_MIN = 1_000;
export const RETRY_MS_MAX = 30_000;
export const POLL_GAP_MS = 2_000;
/** While nothing answers. */
export const POLL_LOST_GAP_MS = 5_000;
export const PING_GAP_MS = 15_000;
export const SILENT_MS = 40_000;
/** A handshake that takes longer is given up. */
export const OPEN_MS_MAX = 10_000;

export type Connection = "connecting" | "live" | "polling" | "lost" | "expired" | "hidden";

export type LiveState = {
  readonly connection: Connection;
  readonly socket: "none" | "opening" | "open";
  readonly polling: boolean;
  /** Sockets in a row that ended before they brought anything. */
  readonly failures: number;
  /** When the next socket is tried, and when the next question is asked. */
  readonly retryAtMs: number;
  readonly pollAtMs: number;
  /** Of this socket: when it was opened, last said something, and was last pinged. */
  readonly openedAtMs: number;
  readonly heardAtMs: number;
  readonly pingedAtMs: number;
};

export type LiveEvent =
  | { readonly kind: "start" | "stop" | "hide" | "tick" | "opened" | "heard" | "closed" }
  | { readonly kind: "polled"; readonly outcome: "ok" | "unauthorized" | "failed" };

export type LiveEffect = "open" | "close" | "poll" | "ping";

export type LiveStep = { readonly state: LiveState; readonly effects: readonly LiveEffect[] };

export const IDLE: LiveState = {
  connection: "connecting",
  socket: "none",
  polling: false,
  failures: 0,
  retryAtMs: Number.POSITIVE_INFINITY,
  pollAtMs: Number.POSITIVE_INFINITY,
  openedAtMs: 0,
  heardAtMs: 0,
  pingedAtMs: 0,
};

/** `chance` is 0 to 1: it spreads the pages that lost the same router. */
export function liveStep(state: LiveState, event: LiveEvent, now: number, chance: number): LiveStep {
  switch (event.kind) {
    case "start":
      return started({ ...IDLE, polling: state.polling }, now);
    case "stop":
      return ended(state, "connecting");
    case "hide":
      return state.connection === "expired" ? keep(state) : ended(state, "hidden");
    case "opened":
      return keep({ ...state, socket: "open", heardAtMs: now, pingedAtMs: now });
    case "heard":
      if (state.socket !== "open") return keep(state);
      return keep({ ...state, connection: "live", failures: 0, heardAtMs: now });
    case "closed":
      return closed(state, now, chance);
    case "polled":
      return polled(state, event.outcome, now);
    case "tick":
      return ticked(state, now, chance);
    default:
      return event satisfies never;
  }
}

const keep = (state: LiveState): LiveStep => ({ state, effects: [] });

function ended(state: LiveState, connection: Connection): LiveStep {
  return { state: { ...IDLE, polling: state.polling, connection }, effects: state.socket === "none" ? [] : ["close"] };
}

/** Both at once: a socket brings its first frame up to a second after it is open. */
function started(state: LiveState, now: number): LiveStep {
  const opens = opening(state, now);
  const asks = asking(opens.state, now);
  return { state: asks.state, effects: [...opens.effects, ...asks.effects] };
}

function opening(state: LiveState, now: number): LiveStep {
  const opened = { ...state, socket: "opening" as const, openedAtMs: now, retryAtMs: Number.POSITIVE_INFINITY };
  return { state: opened, effects: ["open"] };
}

function closed(state: LiveState, now: number, chance: number): LiveStep {
  if (state.socket === "none") return keep(state);
  const failures = state.failures + 1;
  const backOffMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** (failures - 1));
  const retryAtMs = now + backOffMs * (0.5 + chance / 2);
  // Until the first answer it is not known whether the router is there.
  const connection = state.connection === "live" ? "connecting" : state.connection;
  return asking({ ...state, connection, socket: "none", failures, retryAtMs }, now);
}

function asking(state: LiveState, now: number): LiveStep {
  if (state.polling) return keep({ ...state, pollAtMs: now + POLL_GAP_MS });
  return { state: { ...state, polling: true, pollAtMs: Number.POSITIVE_INFINITY }, effects: ["poll"] };
}

function polled(before: LiveState, outcome: "ok" | "unauthorized" | "failed", now: number): LiveStep {
  const state = { ...before, polling: false };
  if (outcome === "unauthorized") return ended(state, "expired");
  // The socket is back, or nobody looks: the answer came too late to matter.
  if (state.socket === "open" || state.connection === "hidden" || state.connection === "expired") return keep(state);
  if (outcome === "ok") {
    const isBeginning = state.connection === "connecting" && state.socket === "opening";
    return keep({ ...state, connection: isBeginning ? "connecting" : "polling", pollAtMs: now + POLL_GAP_MS });
  }
  return keep({ ...state, connection: "lost", pollAtMs: now + POLL_LOST_GAP_MS });
}

function ticked(state: LiveState, now: number, chance: number): LiveStep {
  if (state.socket === "open" && now - state.heardAtMs > SILENT_MS) return dropped(state, now, chance);
  if (state.socket === "opening" && now - state.openedAtMs > OPEN_MS_MAX) return dropped(state, now, chance);
  if (state.socket === "open" && now - state.pingedAtMs > PING_GAP_MS) {
    return { state: { ...state, pingedAtMs: now }, effects: ["ping"] };
  }
  const polls = state.socket !== "open" && now >= state.pollAtMs ? asking(state, now) : keep(state);
  if (now < state.retryAtMs) return polls;
  const opens = opening(polls.state, now);
  return { state: opens.state, effects: [...polls.effects, ...opens.effects] };
}

function dropped(state: LiveState, now: number, chance: number): LiveStep {
  const after = closed(state, now, chance);
  return { state: after.state, effects: ["close", ...after.effects] };
}
