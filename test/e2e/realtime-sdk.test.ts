/** OpenAI's Realtime by the published package, unmodified: over `ws` with a header, and as in a browser by subprotocols. */
import { OpenAIRealtimeWebSocket } from "openai/realtime/websocket";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fleet } from "../support/fleet.ts";
import { openaiOf } from "../support/openai.ts";
import { startSocketEndpoint, startSocketFleet } from "../support/socket-fleet.ts";
import type { SocketEndpoint } from "../support/socket-fleet.ts";
import { hasOpenssl, startTlsFront } from "../support/tls-front.ts";
import type { TlsFront } from "../support/tls-front.ts";

let endpoint: SocketEndpoint;
let fleet: Fleet;
/** The package opens sockets over TLS alone. */
let front: TlsFront;
beforeAll(async () => {
  if (!hasOpenssl) return;
  // It knows no subprotocol, as engines do: the router answers what OpenAI would.
  endpoint = await startSocketEndpoint();
  fleet = await startSocketFleet([endpoint]);
  front = await startTlsFront(fleet.router.port);
});
afterAll(async () => {
  if (!hasOpenssl) return;
  await front.close();
  await fleet.close();
  await endpoint.kill();
});

const openai = () => openaiOf(fleet, { baseURL: `${front.url}/v1` });

const clients = [
  ["ws", () => new OpenAIRealtimeWS({ model: "voice" }, openai())],
  [
    "a browser's WebSocket",
    () => new OpenAIRealtimeWebSocket({ model: "voice", dangerouslyAllowBrowser: true }, openai()),
  ],
] as const;

describe.skipIf(!hasOpenssl).each(clients)("openai's realtime client over %s", (_name, open) => {
  test("opens a session, hears a whole answer and closes", async () => {
    const client = open();
    const failed = new Promise((_settle, fail) => client.on("error", fail));
    const session = new Promise((settle) => client.on("session.created", ({ session: made }) => settle(made)));
    expect(await Promise.race([session, failed])).toMatchObject({ model: "voice" });
    let text = "";
    client.on("response.output_text.delta", ({ delta }) => (text += delta));
    const done = new Promise((settle) => client.on("response.done", ({ response }) => settle(response)));
    client.send({ type: "response.create" });
    expect(await Promise.race([done, failed])).toMatchObject({ status: "completed", usage: { output_tokens: 3 } });
    expect(text).toBe("Hello, world");
    client.close({ code: 1000, reason: "done" });
    await fleet.until(fleet.liveLeases, (live) => live === 0);
    const { asked, closed } = await endpoint.seen();
    expect(closed.at(-1)).toEqual({ code: 1000, reason: "done" });
    expect(JSON.stringify(asked)).not.toContain(fleet.key);
  });
});

test.skipIf(!hasOpenssl)("a model that no pool serves is raised as an error", async () => {
  const client = new OpenAIRealtimeWS({ model: "nobody" }, openai());
  const error = await new Promise<Error>((settle) => client.on("error", settle));
  expect(error.message).toContain("404");
});
