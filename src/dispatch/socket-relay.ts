/**
 * The pump of a WebSocket: passes messages both ways until either side ends, or a bound is reached, and closes the other side.
 *
 * Model. A message is passed on as it came, text as text and bytes as bytes. The first end counts: of whoever closes, breaks, or
 * reaches a bound; `core/socket-close.ts` says what each side is told of it. The lease is settled then, and not when the last
 * connection is gone: a side that does not answer a close is cut after CLOSE_WAIT_MS.
 * A Worker sees no end of sockets that it hands on natively, so their lease could not be settled; here it sees every message, and
 * in return has no way to hold back a side that is faster than the other (docs/decisions/0044). `unheardBytesMax` bounds that.
 * Rejected: handing the endpoint's socket on; asking each side for acknowledgements, which are the application's own.
 */
import type { AttemptOutcome } from "../routing/core/shard-messages.ts";
import { noteFailure } from "./attempt-end.ts";
import { keepRunning, noteBytes } from "./attempt-watch.ts";
import type { Attempt } from "./attempt.ts";
import { addUsage } from "./core/realtime-usage.ts";
import type { RealtimeUsage } from "./core/realtime-usage.ts";
import { BROKEN, closeOn, closesFor } from "./core/socket-close.ts";
import type { SocketClose, SocketCloses, SocketEnd, SocketSide } from "./core/socket-close.ts";
import { enter } from "./draining.ts";
import type { SocketAsk } from "./socket-ask.ts";

/** A side that was told the end, and does not answer, is cut after this, ms. */
const CLOSE_WAIT_MS = 5_000;

export type SocketEnds = {
  readonly client: WebSocket;
  readonly endpoint: WebSocket;
  /** Cuts the connection to the endpoint. */
  readonly cut: () => void;
};

type Relay = {
  readonly attempt: Attempt;
  readonly ends: SocketEnds;
  readonly ask: SocketAsk;
  /** Sent to a side since its last message. */
  readonly unheard: Record<SocketSide, number>;
  usage: RealtimeUsage | null;
  isOver: boolean;
  readonly over: (outcome: AttemptOutcome) => void;
};

/** Resolves with the first end. */
export async function passMessages(attempt: Attempt, ends: SocketEnds, ask: SocketAsk): Promise<AttemptOutcome> {
  const { promise, resolve } = Promise.withResolvers<AttemptOutcome>();
  const unheard = { client: 0, endpoint: 0 };
  const relay: Relay = { attempt, ends, ask, unheard, usage: null, isOver: false, over: resolve };
  const leave = enter(() => endBy(relay, "shutting_down", "cancelled"));
  attempt.bytesOut = 0;
  const { signal } = attempt.controller;
  const aborted = (): void => endAborted(relay);
  signal.addEventListener("abort", aborted);
  listen(relay, "endpoint");
  listen(relay, "client");
  if (signal.aborted) aborted();
  noteBytes(attempt);
  keepRunning(attempt);
  try {
    return await promise;
  } finally {
    leave();
    signal.removeEventListener("abort", aborted);
  }
}

function listen(relay: Relay, side: SocketSide): void {
  const socket = relay.ends[side];
  socket.addEventListener("message", ({ data }) => pass(relay, side, data));
  socket.addEventListener("close", ({ code, reason }) => endShown(relay, side, code, reason));
  socket.addEventListener("error", ({ message }) => {
    // The platform's own bound: it has told the sender already.
    if (/1009|too large/i.test(message)) endTooLarge(relay, side);
    else endShown(relay, side, BROKEN, "");
  });
  socket.accept();
}

const otherThan = (side: SocketSide): SocketSide => (side === "client" ? "endpoint" : "client");

function pass(relay: Relay, from: SocketSide, data: string | ArrayBuffer): void {
  const { attempt, ends, ask, unheard } = relay;
  if (relay.isOver) return;
  const { messageBytesMax, unheardBytesMax } = ask.bounds;
  const bytes = bytesIn(data, messageBytesMax);
  if (bytes > messageBytesMax) {
    endTooLarge(relay, from);
    return;
  }
  const to = otherThan(from);
  unheard[from] = 0;
  unheard[to] += bytes;
  if (unheard[to] > unheardBytesMax) {
    endBy(relay, "not_read", "cancelled");
    return;
  }
  noteBytes(attempt);
  if (from === "client") {
    ask.onBytesIn(bytes);
  } else {
    attempt.bytesOut = (attempt.bytesOut ?? 0) + bytes;
    if (ask.countsUsage && typeof data === "string") relay.usage = addUsage(relay.usage, data);
  }
  try {
    ends[to].send(data);
  } catch {
    // It is closing: its own event says how.
  }
}

/** Of a text its bytes in UTF-8, where it may be beyond the bound; else its characters, which are at most as many. */
function bytesIn(data: string | ArrayBuffer, bound: number): number {
  if (typeof data !== "string") return data.byteLength;
  return data.length * 3 <= bound ? data.length : new TextEncoder().encode(data).byteLength;
}

/** A side has closed, or its connection broke. */
function endShown(relay: Relay, side: SocketSide, code: number, reason: string): void {
  if (relay.isOver) return;
  const isBroken = code === BROKEN;
  if (isBroken && side === "endpoint") noteFailure(relay.attempt, null, "the socket broke off");
  const told = closeOn(side, code, reason);
  // The side itself is answered with what it said.
  end(relay, { client: told, endpoint: told }, !isBroken ? "served" : side === "endpoint" ? "cut" : "cancelled");
}

function endTooLarge(relay: Relay, from: SocketSide): void {
  if (from === "client") endBy(relay, "client_message_too_large", "client_fault");
  else endBy(relay, "endpoint_message_too_large", "cancelled");
}

/** The attempt's time is over, or its client is known to have left. */
function endAborted(relay: Relay): void {
  const { timedOut, isSilent } = relay.attempt;
  if (timedOut) endBy(relay, isSilent ? "idle" : "life_over", "cancelled");
  else endShown(relay, "client", BROKEN, "");
}

function endBy(relay: Relay, why: SocketEnd, outcome: AttemptOutcome): void {
  if (!relay.isOver) end(relay, closesFor(why), outcome);
}

function end(relay: Relay, closes: SocketCloses, outcome: AttemptOutcome): void {
  const { attempt, ends, over, usage } = relay;
  relay.isOver = true;
  attempt.usage = usage;
  close(ends.client, closes.client);
  close(ends.endpoint, closes.endpoint);
  const { clock, spawn } = attempt.leases.ports;
  const { promise: isClosed, resolve: closed } = Promise.withResolvers<void>();
  const stop = clock.after(CLOSE_WAIT_MS, closed);
  ends.endpoint.addEventListener("close", () => closed());
  if (ends.endpoint.readyState === WebSocket.CLOSED) closed();
  spawn(
    isClosed.then(() => {
      stop();
      ends.cut();
    }),
  );
  over(outcome);
}

function close(socket: WebSocket, { code, reason }: SocketClose): void {
  try {
    if (code === null) socket.close();
    else socket.close(code, reason);
  } catch {
    // It was closed already.
  }
}
