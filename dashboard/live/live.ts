/**
 * Performs what `live-step.ts` decides: the socket, the questions, the clock. One a page.
 */
import { signal } from "@preact/signals";
import { API } from "../session/api-call.ts";
import { isFrame } from "../frame.ts";
import type { Frame } from "../frame.ts";
import { type Connection, IDLE, liveStep } from "./live-step.ts";
import type { LiveEffect, LiveEvent } from "./live-step.ts";

/** The clock of the state machine. Its shortest wait is a second. */
const TICK_MS = 500;
/** How long a page may be out of sight and keep its socket, ms: a look at another tab is no reason to begin anew. */
const HIDDEN_GRACE_MS = 30_000;

export const connection = signal<Connection>("connecting");

type Running = { readonly stop: () => void };

/** Until `stop`, every frame goes to `take`. */
export function startLive(take: (frame: Frame) => void): Running {
  let state = IDLE;
  let socket: WebSocket | null = null;
  let hideTimer: ReturnType<typeof setTimeout> | undefined;

  const tell = (event: LiveEvent): void => {
    const step = liveStep(state, event, performance.now(), Math.random());
    state = step.state;
    connection.value = state.connection;
    for (const effect of step.effects) perform(effect);
  };

  const perform = (effect: LiveEffect): void => {
    switch (effect) {
      case "open":
        socket = open();
        break;
      case "close":
        forget();
        break;
      case "ping":
        socket?.send("ping");
        break;
      case "poll":
        void poll();
        break;
      default:
        effect satisfies never;
    }
  };

  const open = (): WebSocket => {
    forget();
    const url = new URL(`${API}/live`, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const opened = new WebSocket(url);
    const isCurrent = (): boolean => socket === opened;
    opened.addEventListener("open", () => isCurrent() && tell({ kind: "opened" }));
    opened.addEventListener("close", () => isCurrent() && tell({ kind: "closed" }));
    opened.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      if (!isCurrent()) return;
      tell({ kind: "heard" });
      const frame = typeof data === "string" ? parsed(data) : null;
      if (frame !== null) take(frame);
    });
    return opened;
  };

  const forget = (): void => {
    const old = socket;
    socket = null;
    old?.close();
  };

  const poll = async (): Promise<void> => {
    try {
      const response = await fetch(`${API}/snapshot`, { signal: AbortSignal.timeout(10_000) });
      if (response.status === 401 || response.status === 403) return tell({ kind: "polled", outcome: "unauthorized" });
      const frame = response.ok ? parsed(await response.text()) : null;
      tell({ kind: "polled", outcome: frame === null ? "failed" : "ok" });
      if (frame !== null) take(frame);
    } catch {
      tell({ kind: "polled", outcome: "failed" });
    }
  };

  const looked = (): void => {
    clearTimeout(hideTimer);
    if (document.visibilityState === "hidden") hideTimer = setTimeout(() => tell({ kind: "hide" }), HIDDEN_GRACE_MS);
    else if (state.connection === "hidden") tell({ kind: "start" });
  };

  const ticking = setInterval(() => tell({ kind: "tick" }), TICK_MS);
  document.addEventListener("visibilitychange", looked);
  tell({ kind: "start" });
  return {
    stop: () => {
      clearInterval(ticking);
      clearTimeout(hideTimer);
      document.removeEventListener("visibilitychange", looked);
      tell({ kind: "stop" });
    },
  };
}

function parsed(text: string): Frame | null {
  try {
    const value: unknown = JSON.parse(text);
    return isFrame(value) ? value : null;
  } catch {
    return null;
  }
}
