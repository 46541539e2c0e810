/**
 * Decides how one side of a socket is closed when the other one has ended, or when the router ends both.
 *
 * Model. What a side has said is said on: the same code and the same reason, and nothing where it said nothing. Three things
 * cannot be said on, because no frame may carry them: that a connection broke (1006), that a handshake failed (1015), and codes
 * that are nobody's (RFC 6455, 7.4.2). In their place stands what a gateway has to say: 1014 of a broken endpoint, 1001 of a
 * client that is gone, 1011 of the rest, each with a reason that says so.
 * The router's own ends have registered codes alone: those from 4000 on are the endpoint's and its clients' own.
 * Sources: RFC 6455 7.1.5 and 7.4; IANA's registry of close codes, as of 2026-06 (1012 to 1014); what workerd takes was tried
 * (`close` refuses 1004 to 1006, 1015 and what is beyond 1000 to 4999; it cuts no reason, and a longer one breaks the frame).
 */

/** `code` null: a frame without one. */
export type SocketClose = { readonly code: number | null; readonly reason: string };

/** A close frame has 125 bytes, two of them for the code. */
export const CLOSE_REASON_BYTES_MAX = 123;

/** Nothing was said. */
const NO_CODE = 1005;
/** The connection broke, without a close frame. */
export const BROKEN = 1006;

export type SocketSide = "client" | "endpoint";

/** Why the router ends a socket. */
export type SocketEnd =
  | "idle"
  | "life_over"
  | "shutting_down"
  | "client_message_too_large"
  | "endpoint_message_too_large"
  | "not_read";

/** What each side is told. */
export type SocketCloses = Readonly<Record<SocketSide, SocketClose>>;

const both = (close: SocketClose): SocketCloses => ({ client: close, endpoint: close });

const CLIENT_GONE: SocketClose = { code: 1001, reason: "The client has gone." };
const ENDPOINT_GONE: SocketClose = { code: 1014, reason: "The connection to the GPU endpoint broke. Connect again." };
const TOO_LARGE = "message is too large (sockets.messageBytesMax of the pool).";

const ENDS: Readonly<Record<SocketEnd, SocketCloses>> = {
  idle: both({ code: 1001, reason: "No message for too long (sockets.idleTimeoutMs of the pool). Connect again." }),
  life_over: both({ code: 1001, reason: "The socket is too old (sockets.lifeMsMax of the pool). Connect again." }),
  shutting_down: both({ code: 1012, reason: "The router is shutting down. Connect again." }),
  not_read: both({ code: 1013, reason: "Much was sent without a word back (sockets.unheardBytesMax of the pool)." }),
  client_message_too_large: { client: { code: 1009, reason: `This ${TOO_LARGE}` }, endpoint: CLIENT_GONE },
  endpoint_message_too_large: {
    client: { code: 1014, reason: `The GPU endpoint's ${TOO_LARGE}` },
    endpoint: { code: 1009, reason: `This ${TOO_LARGE}` },
  },
};

export const closesFor = (end: SocketEnd): SocketCloses => ENDS[end];

/** What the other side is told, of a close that `side` has shown. */
export function closeOn(side: SocketSide, code: number, reason: string): SocketClose {
  if (code === NO_CODE) return { code: null, reason: "" };
  if (code === BROKEN) return side === "client" ? CLIENT_GONE : ENDPOINT_GONE;
  if (isSendable(code)) return { code, reason: cut(reason) };
  return { code: 1011, reason: `The ${side} closed with ${code}, which no frame may carry.` };
}

function isSendable(code: number): boolean {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && (code < 1004 || code > BROKEN);
}

/** At a whole character. */
function cut(reason: string): string {
  let bytes = 0;
  let kept = "";
  for (const char of reason) {
    const point = char.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (bytes > CLOSE_REASON_BYTES_MAX) return kept;
    kept += char;
  }
  return kept;
}
