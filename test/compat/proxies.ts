/**
 * `npm run test:proxies`: nginx and Caddy with the configs of "Self-host and operate", over TLS, in front of the built bundle
 * on raw workerd. What a proxy may break is looked at: streams that come late, clients that leave and are not missed,
 * WebSockets, large bodies. What is not installed is named, and no failure.
 */
import { ok, strictEqual } from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as requestTls } from "node:https";
import { createServer, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket, WebSocketServer } from "ws";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { freePort } from "../support/free-port.ts";
import { readPage } from "../support/terminal.ts";

const BODY_BYTES = 20 * 1024 * 1024;
const HOST = "router.example.com";

const page = readPage("docs/how-to/self-host.md");

type Proxy = { readonly name: string; start(dir: string, port: number, router: number): ChildProcess };

const PROXIES: readonly Proxy[] = [
  {
    name: "nginx",
    start(dir, port, router) {
      const text = page
        .block("nginx")
        .replace("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
        .replace("127.0.0.1:8787", `127.0.0.1:${router}`)
        .replaceAll("/etc/ssl/router", join(dir, "router"));
      const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
        (one) => `${one}_temp_path ${dir}/${one};`,
      );
      const whole = `daemon off; pid ${dir}/pid; error_log ${dir}/error.log;\nevents {}\nhttp { access_log off; ${paths.join(" ")}\n${text}\n}\n`;
      writeFileSync(join(dir, "nginx.conf"), whole);
      return spawn("nginx", ["-c", join(dir, "nginx.conf"), "-p", dir], { stdio: ["ignore", "inherit", "inherit"] });
    },
  },
  {
    name: "caddy",
    start(dir, port, router) {
      const text = page
        .block("caddyfile")
        .replace(`${HOST} {`, `https://${HOST}:${port} {\n  bind 127.0.0.1\n  tls ${dir}/router.pem ${dir}/router.key`)
        .replace("127.0.0.1:8787", `127.0.0.1:${router}`);
      writeFileSync(join(dir, "Caddyfile"), `{\n  admin off\n  auto_https disable_redirects\n}\n${text}`);
      const env = { ...process.env, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir };
      const args = ["run", "--config", join(dir, "Caddyfile"), "--adapter", "caddyfile"];
      return spawn("caddy", args, { env, stdio: ["ignore", "ignore", "ignore"] });
    },
  },
];

/** An endpoint whose stream waits between its two words, and knows how many clients it has. */
async function startEndpoint() {
  let goOn: () => void = () => undefined;
  let streams = 0;
  const server = createServer((request, response) => void answer(request).catch(() => response.destroy()));
  async function answer(request: IncomingMessage): Promise<void> {
    const response = responses.get(request);
    if (response === undefined) return;
    if (request.method === "GET") return void response.end("{}");
    let bytes = 0;
    for await (const piece of request) bytes += (piece as Buffer).length;
    if (request.url === "/size") return void response.end(String(bytes));
    streams += 1;
    response.once("close", () => (streams -= 1));
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`data: {"choices":[{"index":0,"delta":{"content":"warm"}}]}\n\n`);
    // A client that has gone is noticed when something is written to it.
    const talking = setInterval(
      () => response.write(`data: {"choices":[{"index":0,"delta":{"content":"."}}]}\n\n`),
      50,
    );
    response.once("close", () => clearInterval(talking));
    await new Promise<void>((settle) => (goOn = settle));
    clearInterval(talking);
    response.end(`data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`);
  }
  const responses = new WeakMap<IncomingMessage, import("node:http").ServerResponse>();
  server.prependListener("request", (request, response) => responses.set(request, response));
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) =>
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    goOn: () => goOn(),
    streams: () => streams,
    close() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      server.close();
    },
  };
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within 30 s: ${what}`);
    await new Promise((settle) => setTimeout(settle, 20));
  }
}

const listens = async (port: number): Promise<boolean> =>
  new Promise((settle) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      settle(true);
    });
    socket.once("error", () => settle(false));
  });

type Call = { readonly path: string; readonly key: string; readonly body: string | Buffer };

/** Over TLS, by the name that the certificate is for. */
function call(port: number, { path, key, body }: Call): Promise<IncomingMessage> {
  return new Promise((settle, fail) => {
    const headers = {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    };
    const sent = requestTls(
      {
        host: "127.0.0.1",
        port,
        servername: HOST,
        path,
        method: "POST",
        headers: { ...headers, host: `${HOST}:${port}` },
        rejectUnauthorized: false,
      },
      settle,
    );
    sent.once("error", fail);
    sent.end(body);
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of answer.setEncoding("utf8")) text += String(piece);
  return text;
}

async function hold(port: number, fleet: Fleet, endpoint: Awaited<ReturnType<typeof startEndpoint>>): Promise<void> {
  const chat = JSON.stringify({ model: "test-model", stream: true, messages: [{ role: "user", content: "hi" }] });
  const ask = { path: "/v1/chat/completions", key: fleet.key, body: chat };

  const stream = (await call(port, ask)).setEncoding("utf8");
  let said = "";
  stream.on("data", (piece: string) => (said += piece));
  await until("the first word comes before the last", () => said.includes(`"warm"`));
  ok(!said.includes("[DONE]"));
  endpoint.goOn();
  await until("the stream ends", () => said.includes("[DONE]"));

  const left = await call(port, ask);
  left.once("error", () => undefined);
  await until("the endpoint streams", () => endpoint.streams() === 1);
  left.destroy();
  await until("a client that leaves is left at the endpoint", () => endpoint.streams() === 0);
  await until("its lease has come home", async () => (await fleet.liveLeases()) === 0);

  const large = await call(port, { path: "/p/main/size", key: fleet.key, body: Buffer.alloc(BODY_BYTES, 32) });
  strictEqual(await textOf(large), String(BODY_BYTES));

  const options = {
    headers: { authorization: `Bearer ${fleet.key}`, host: `${HOST}:${port}` },
    servername: HOST,
    rejectUnauthorized: false,
  };
  const socket = new WebSocket(`wss://127.0.0.1:${port}/p/main/echo`, options);
  const heard = await new Promise<string>((settle, fail) => {
    socket.once("open", () => socket.send("hello"));
    socket.once("message", (data) => settle(String(data)));
    socket.once("error", fail);
  });
  strictEqual(heard, "hello");
  socket.close();
}

const dir = mkdtempSync(join(tmpdir(), "warmpath-proxies-"));
const certificate = [
  "req",
  "-x509",
  "-newkey",
  "ec",
  "-pkeyopt",
  "ec_paramgen_curve:prime256v1",
  "-nodes",
  "-days",
  "2",
  "-subj",
  `/CN=${HOST}`,
  "-addext",
  `subjectAltName=DNS:${HOST}`,
];
const endpoint = await startEndpoint();
const main = {
  models: ["test-model"],
  paths: ["*"],
  rails: { input: [] },
  endpoints: [{ id: "a", region: "here", backend: "openai", url: endpoint.url }],
};
const fleet = await startFleet({
  endpoints: [],
  config: {
    regions: { here: { lat: 50, lon: 8, hint: "weur" } },
    pools: { main },
    limits: { bodyBytesMax: BODY_BYTES + 1 },
  },
});
try {
  for (const { name, start } of PROXIES) {
    if (spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0) {
      console.log(`skipped: ${name} is not installed`);
      continue;
    }
    const own = join(dir, name);
    mkdirSync(own);
    spawnSync("openssl", [...certificate, "-keyout", join(own, "router.key"), "-out", join(own, "router.pem")], {
      stdio: "ignore",
    });
    if (!existsSync(join(own, "router.pem"))) throw new Error("openssl made no certificate");
    const port = await freePort();
    const proxy = start(own, port, fleet.router.port);
    try {
      await until(`${name} listens`, async () => listens(port));
      await hold(port, fleet, endpoint);
      console.log(`${name}: streams, clients that leave, large bodies and WebSockets pass`);
    } finally {
      proxy.kill("SIGTERM");
    }
  }
} finally {
  await fleet.close();
  endpoint.close();
  rmSync(dir, { recursive: true, force: true });
}
