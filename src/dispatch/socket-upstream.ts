/**
 * What a WebSocket is opened over: the request is an HTTP upgrade, and an endpoint that opens its end has begun its answer.
 *
 * Model. Until then it is an attempt as any other: an endpoint that refuses, breaks or is late is judged by the same table, and
 * another one is asked. From then on it is this socket or none: what was said on it nobody can say again elsewhere.
 * What is the same in two sockets (target and headers) is not what may end an endpoint, so none is taken for another.
 */
import { egress } from "../../backends/egress.ts";
import type { AttemptOutcome } from "../routing/core/shard-messages.ts";
import type { Attempt, OpenAnswer } from "./attempt.ts";
import { heardOf, wayTo } from "./http-upstream.ts";
import type { Reply } from "./http-upstream.ts";
import type { Outgoing } from "./outgoing.ts";
import type { EdgeEndpoint, EdgePool } from "./runtime.ts";
import { attemptHeaders } from "./send.ts";
import type { SocketAsk, Upgraded } from "./socket-ask.ts";
import { passMessages } from "./socket-relay.ts";
import type { Asking, Heard, Upstream } from "./upstream.ts";

const PROTOCOL = "sec-websocket-protocol";

export function socketUpstream(pool: EdgePool, outgoing: Outgoing, ask: SocketAsk): Upstream<Reply> {
  return {
    to(endpointId) {
      const endpoint = pool.endpoints.get(endpointId);
      if (endpoint === undefined) return null;
      return {
        ...wayTo(endpoint, outgoing),
        executionTimeoutMs: ask.bounds.lifeMsMax,
        // Not of a body that was sent.
        noteTokens: () => undefined,
        ask: async (asking) => askSocket(endpoint, outgoing, ask, asking),
      };
    },
    hash: async () => crypto.randomUUID(),
  };
}

async function askSocket(
  endpoint: EdgeEndpoint,
  outgoing: Outgoing,
  ask: SocketAsk,
  asking: Asking,
): Promise<Heard<Reply>> {
  // Its own: once messages pass, the attempt's end has to be said before the connection may be cut.
  const connection = new AbortController();
  const cut = (): void => connection.abort();
  asking.signal.addEventListener("abort", cut);
  if (asking.signal.aborted) cut();
  const { protocols } = ask;
  const headers = {
    ...attemptHeaders(endpoint, outgoing, asking),
    upgrade: "websocket",
    ...(protocols.length === 0 ? {} : { [PROTOCOL]: protocols.join(", ") }),
  };
  const path = pathAt(endpoint, outgoing.path);
  const { signal } = connection;
  const response = await egress(endpoint.target, { method: "GET", path, headers, body: null, signal });
  const socket = response.webSocket ?? null;
  if (socket === null) return notUpgraded(endpoint, outgoing, response, asking);
  const { workerHeader } = endpoint.backend;
  asking.onHeaders(workerHeader === null ? undefined : response.headers.get(workerHeader));
  const chosen = response.headers.get(PROTOCOL);
  if (chosen !== null && !protocols.includes(chosen)) {
    cut();
    return { kind: "failed", status: 101, shown: "it chose a subprotocol that was not offered" };
  }
  const told = new Headers(response.headers);
  const protocol = chosen ?? ask.protocolDefault;
  if (protocol !== null) told.set(PROTOCOL, protocol);
  const body: Upgraded = {
    kind: "socket",
    connect(attempt, open) {
      asking.signal.removeEventListener("abort", cut);
      return connect(attempt, open, async (client) => passMessages(attempt, { client, endpoint: socket, cut }, ask));
    },
  };
  const reply = { kind: "own", endpoint, status: 101, headers: told, body, asked: null } as const;
  return { kind: "begun", reply, status: 101, isTooLong: false, isOver: false, hasToken: false, usage: null };
}

function connect(
  { leases }: Attempt,
  open: OpenAnswer,
  pass: (client: WebSocket) => Promise<AttemptOutcome>,
): WebSocket {
  const { 0: theirs, 1: ours } = new WebSocketPair();
  leases.ports.spawn(open.run(async () => pass(ours)));
  return theirs;
}

/** It answered as to any GET. On a path that the router knows, only an error is an answer to an upgrade. */
async function notUpgraded(
  endpoint: EdgeEndpoint,
  outgoing: Outgoing,
  response: Response,
  asking: Asking,
): Promise<Heard<Reply>> {
  if (response.status >= 400 || outgoing.isClientsPath)
    return heardOf(endpoint, outgoing, { response, asked: null }, asking);
  await response.body?.cancel();
  return { kind: "failed", status: response.status, shown: "it opened no WebSocket" };
}

/** With the name that the endpoint has for the model that the query names. */
function pathAt({ names }: EdgeEndpoint, path: string): string {
  const at = path.indexOf("?");
  if (names.size === 0 || at === -1) return path;
  const query = new URLSearchParams(path.slice(at));
  const own = names.get(query.get("model") ?? "");
  if (own === undefined) return path;
  query.set("model", own);
  return `${path.slice(0, at)}?${query.toString()}`;
}
