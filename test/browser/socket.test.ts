/** A page's own WebSocket, which can send no header: the key stands among the subprotocols. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startBrowser, type TestBrowser } from "./browser.ts";
import type { Fleet } from "../support/fleet.ts";
import { startSocketEndpoint, startSocketFleet, type SocketEndpoint } from "../support/socket-fleet.ts";

const chromium = inject("chromium");

/** Runs in the page. */
const TALK = `async ([url, protocols]) => {
  const socket = new WebSocket(url, protocols);
  const heard = [];
  socket.binaryType = "arraybuffer";
  return new Promise((settle) => {
    socket.onopen = () => { socket.send("hello"); socket.send(new Uint8Array([1, 2, 3])); socket.send("close 4002 enough"); };
    socket.onmessage = ({ data }) => heard.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
    socket.onclose = ({ code, reason, wasClean }) => settle({ heard, code, reason, wasClean, protocol: socket.protocol });
  });
}`;

describe.skipIf(chromium === null)("Chromium's WebSocket", () => {
  let browser: TestBrowser;
  let endpoint: SocketEndpoint;
  let fleet: Fleet;
  let server: Server;
  beforeAll(async () => {
    browser = await startBrowser(chromium ?? "");
    endpoint = await startSocketEndpoint();
    fleet = await startSocketFleet([endpoint]);
    server = createServer((_request, response) => {
      response.setHeader("content-type", "text/html").end("<!doctype html><title>page</title>");
    });
    await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  });
  afterAll(async () => {
    await browser.close();
    await fleet.close();
    await endpoint.kill();
    server.closeAllConnections();
    await new Promise((settle) => server.close(settle));
  });

  test("opens with a key among its subprotocols, and sees texts, bytes, code and reason", async () => {
    const tab = await browser.open();
    await tab.page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const url = `${fleet.router.url.replace("http", "ws")}/p/sockets/echo`;
    const asked = JSON.stringify([url, ["realtime", `openai-insecure-api-key.${fleet.key}`]]);
    const talked: unknown = await tab.page.evaluate(`(${TALK})(${asked})`);
    expect(talked).toEqual({
      heard: ["hello", [1, 2, 3]],
      code: 4002,
      reason: "enough",
      wasClean: true,
      protocol: "realtime",
    });
    await tab.close();
  });
});
