/** A WebSocket, as those speak of it who do not move its messages. */
import type { SocketBounds } from "../config/config.ts";
import type { Attempt, OpenAnswer } from "./attempt.ts";

/** What a client asks for that opens one. */
export type SocketAsk = {
  /** Subprotocols that it offers, without a key among them. */
  readonly protocols: readonly string[];
  /** Named where the endpoint chooses none; null: none. */
  readonly protocolDefault: string | null;
  readonly bounds: SocketBounds;
  /** It is OpenAI's Realtime, whose messages tell what was used. */
  readonly countsUsage: boolean;
  /** So many bytes more came from the client. */
  readonly onBytesIn: (bytes: number) => void;
};

/** The endpoint has opened its end. */
export type Upgraded = {
  readonly kind: "socket";
  /** Gives the client's end; from now on messages pass, and the lease is settled when either end is closed. */
  readonly connect: (attempt: Attempt, open: OpenAnswer) => WebSocket;
};
