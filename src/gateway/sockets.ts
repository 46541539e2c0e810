/**
 * A client asks for a WebSocket: to a path of its pool's endpoints, or as OpenAI's Realtime, which names the pool by its model.
 * Loaded with the first.
 *
 * Model. The handshake is a request as any other, with a lease, limits and attempts (`pipeline.ts`); what differs is said here and
 * in `dispatch/socket-upstream.ts`. A rail cannot read what is said on a socket, so a pool that has one refuses sockets, unless it
 * says that they may pass unread; each rail is then told as one that has not read.
 */
import type { SocketAsk } from "../dispatch/socket-ask.ts";
import type { EdgePool } from "../dispatch/runtime.ts";
import type { RailRecord } from "../rails/core/engine.ts";
import { fanIn } from "../rails/core/verdict.ts";
import type { RailsConfig } from "../config/config.ts";
import type { InputCheck } from "../rails/check.ts";
import type { Answer, Refusal } from "../wire/refusal.ts";
import type { Authenticated } from "./edge-request.ts";
import { send } from "./pipeline.ts";

/** Of OpenAI's clients: the key that the router has read and no endpoint may. */
const KEY_PROTOCOL = /^openai-insecure-api-key\./;
/** Which OpenAI chooses of what its clients in browsers offer; without one such a client gives up. */
const REALTIME_PROTOCOL = "realtime";
/** Where it is spoken at an endpoint. */
const REALTIME_PATH = /\/realtime(?:\?|$)/;
/** RFC 6455 4.1: a token. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}$/;
/** Offered by one client at most: nobody speaks more languages. */
const PROTOCOLS_MAX = 16;

export type SocketTarget = {
  /** At the endpoint, with its query. */
  readonly path: string;
  /** The client named it. */
  readonly isClientsPath: boolean;
};

/** `GET /v1/realtime?model=…`. */
export async function realtime(edge: Authenticated): Promise<Answer> {
  const { config, pools } = edge.runtime;
  const model = new URLSearchParams(edge.query).get("model");
  if (model === null || model === "") {
    const detail = "Name a model: wss://…/v1/realtime?model=…";
    return { reason: "invalid_request", detail, param: "model" };
  }
  const poolId = config.poolIdByModel.get(model);
  const pool = poolId === undefined ? undefined : pools.get(poolId);
  if (pool !== undefined) return openSocket(edge, pool, { path: `/v1/realtime${edge.query}`, isClientsPath: false });
  const { unknownModel } = await import("./admin/rare.ts");
  return unknownModel(model, config);
}

export async function openSocket(edge: Authenticated, pool: EdgePool, target: SocketTarget): Promise<Answer> {
  const { request, seen } = edge;
  seen.pool = pool;
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket" || request.method !== "GET") {
    return { reason: "invalid_request", detail: "This is a WebSocket: ask with GET and Upgrade: websocket." };
  }
  const offered = protocolsIn(request.headers.get("sec-websocket-protocol"));
  if ("reason" in offered) return offered;
  const { rails, sockets: bounds } = pool.config;
  const unread = unreadBy(rails);
  if (unread.length > 0 && rails.sockets === "refuse") return refusedUnread(pool, unread);
  seen.outputRails = unread.length === 0 ? null : () => unread.filter(({ rail }) => rail.startsWith(OUTPUT));
  const model = new URLSearchParams(target.path.split("?")[1]).get("model");
  const json = model === null ? null : { model };
  return send(edge, {
    pool,
    method: "GET",
    path: target.path,
    bytes: null,
    json,
    stream: false,
    isInference: false,
    isClientsPath: target.isClientsPath,
    repeatable: true,
    socket: {
      ...offered,
      bounds,
      countsUsage: REALTIME_PATH.test(target.path),
      onBytesIn(bytes) {
        seen.bytesIn = (seen.bytesIn ?? 0) + bytes;
      },
    },
    checked: checkedUnread(
      unread.filter(({ rail }) => !rail.startsWith(OUTPUT)),
      json,
    ),
  });
}

/** What the client offers, without its key. */
function protocolsIn(header: string | null): Pick<SocketAsk, "protocols" | "protocolDefault"> | Refusal {
  const all = header === null ? [] : header.split(",").map((one) => one.trim());
  if (all.length > PROTOCOLS_MAX || !all.every((one) => TOKEN.test(one))) {
    const detail = `Sec-WebSocket-Protocol must be a list of at most ${PROTOCOLS_MAX} tokens (PROTOCOLS_MAX).`;
    return { reason: "invalid_request", detail };
  }
  const protocols = all.filter((one) => !KEY_PROTOCOL.test(one));
  const isOpenAis = protocols.length < all.length && protocols.includes(REALTIME_PROTOCOL);
  return { protocols, protocolDefault: isOpenAis ? REALTIME_PROTOCOL : null };
}

const OUTPUT = "output.";

/** Every rail of the pool, as one that has not read. */
function unreadBy({ input, output }: RailsConfig): readonly RailRecord[] {
  const all = [
    ...input.map(({ name, shadow }) => ({ rail: name, shadow })),
    ...output.map(({ name, shadow }) => ({ rail: OUTPUT + name, shadow })),
  ];
  return all.map((one) => ({ ...one, verdict: null, status: "unread", tookMs: 0, reasons: [] }));
}

function refusedUnread({ config: { id } }: EdgePool, unread: readonly RailRecord[]): Refusal {
  const names = unread.map(({ rail }) => rail).join(", ");
  const detail = `No guardrail can read what is said on a WebSocket, and this pool has ${names}. The operator lets sockets pass unread with pools.${id}.rails.sockets: "unread".`;
  return { reason: "guardrail_unread", detail };
}

/** `json`: as it is sent, nothing in it was redacted. */
function checkedUnread(records: readonly RailRecord[], json: unknown): InputCheck {
  const inside = { verdict: fanIn([], []), body: json, originals: new Map(), records, tookMs: 0 };
  return { inside, outside: null, stop: () => undefined };
}
