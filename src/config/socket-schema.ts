/**
 * Options of WebSockets to a pool's endpoints.
 *
 * How much waits unsent for a side that does not read is not known to a Worker: `WebSocket` has no `bufferedAmount` there, and
 * reading from the other side cannot be paused. So what is bounded is what was sent to a side since it last said a word, which
 * is never less.
 */
import * as z from "zod";
import {
  EXECUTION_TIMEOUT_MS_MAX,
  SOCKET_MESSAGE_BYTES_MAX,
  SOCKET_MS_MIN,
  SOCKET_UNHEARD_BYTES_MAX,
  SOCKET_UNHEARD_BYTES_MIN,
} from "./config-bounds.ts";

const int = (min: number, max: number) => z.int().min(min).max(max);

export const sockets = z
  .strictObject({
    idleTimeoutMs: int(SOCKET_MS_MIN, EXECUTION_TIMEOUT_MS_MAX)
      .default(300_000)
      .describe(
        "A socket without a message in either direction for so long is closed with 1001, ms, 100 to 86400000; pings are none, a Worker does not see them. Default 300000: it holds a slot all the while.",
      ),
    lifeMsMax: int(SOCKET_MS_MIN, EXECUTION_TIMEOUT_MS_MAX)
      .default(3_600_000)
      .describe(
        "A socket this old is closed with 1001, ms, 100 to 86400000, in place of executionTimeoutMs. Default 3600000: as long as a session of OpenAI's Realtime lasts.",
      ),
    messageBytesMax: int(1, SOCKET_MESSAGE_BYTES_MAX)
      .default(16_777_216)
      .describe(
        "A longer message closes the socket with 1009, bytes, 1 to 33554432, which is the most that a Worker takes. Default 16777216: one is held whole on its way.",
      ),
    unheardBytesMax: int(SOCKET_UNHEARD_BYTES_MIN, SOCKET_UNHEARD_BYTES_MAX)
      .default(33_554_432)
      .describe(
        "Most that is sent to a side since its last message, bytes, 65536 to 1073741824; beyond it the socket is closed with 1013. It bounds what waits in memory for a side that does not read, which a Worker cannot see: raise it for clients that only listen. Default 33554432: a quarter of an isolate, or ten minutes of sound.",
      ),
  })
  .prefault({})
  .describe("Bounds of WebSockets to the pool's endpoints (/p/{pool}/…, /v1/realtime).");
