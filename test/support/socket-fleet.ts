/** GPU servers that speak WebSocket (`socket-endpoint.ts`), behind a router on raw workerd, and clients on the `ws` package. */
import { once } from "node:events";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { WebSocket } from "ws";
import type { ClientOptions, RawData } from "ws";
import { startFleet } from "./fleet.ts";
import type { Fleet, FleetPlan } from "./fleet.ts";

export type SocketEndpoint = {
  readonly url: string;
  readonly child: ChildProcess;
  seen(): Promise<{
    readonly asked: readonly { readonly path: string; readonly headers: Readonly<Record<string, string>> }[];
    readonly closed: readonly { readonly code: number; readonly reason: string }[];
    readonly open: number;
  }>;
  /** SIGKILL. */
  kill(): Promise<void>;
};

/** `protocols`: subprotocols that it knows. */
export async function startSocketEndpoint(protocols: readonly string[] = []): Promise<SocketEndpoint> {
  const script = join(import.meta.dirname, "socket-endpoint.ts");
  const child = spawn(process.execPath, [script, protocols.join(",")], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(child.stdout, "data")) as [Buffer];
  const url = `http://127.0.0.1:${Number(port.toString())}`;
  return {
    url,
    child,
    seen: async () => (await fetch(`${url}/seen`)).json() as ReturnType<SocketEndpoint["seen"]>,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Pool `sockets`, model `voice`, of these endpoints. */
export async function startSocketFleet(
  endpoints: readonly SocketEndpoint[],
  pool: Readonly<Record<string, unknown>> = {},
  plan: Partial<FleetPlan> = {},
): Promise<Fleet> {
  const entries = endpoints.map(({ url }, index) => ({
    id: `s${index}`,
    region: "eu-west",
    backend: "openai",
    url,
    concurrencyPerWorker: 8,
  }));
  const sockets = { models: ["voice"], paths: ["*"], rails: { input: [] }, endpoints: entries, ...pool };
  const morePools = { sockets, ...plan.morePools };
  return startFleet({ endpoints: [{ id: "eu", region: "eu-west" }], ...plan, morePools });
}

export type Client = {
  readonly socket: WebSocket;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly heard: readonly { readonly data: string | Buffer; readonly isBinary: boolean }[];
  /** Resolves with the n-th message, from 1. */
  nth(n: number): Promise<string | Buffer>;
};

/** Rejects with the status and the body of an answer that opens no socket. */
export async function connect(
  fleet: Pick<Fleet, "key"> & { readonly router: { readonly url: string } },
  path: string,
  protocols: readonly string[] = [],
  options: ClientOptions = {},
): Promise<Client> {
  const headers = { authorization: `Bearer ${fleet.key}`, ...options.headers };
  const url = fleet.router.url.replace("http", "ws") + path;
  const socket = new WebSocket(url, [...protocols], { ...options, headers });
  const heard: { data: string | Buffer; isBinary: boolean }[] = [];
  const waiting: { readonly n: number; readonly settle: (data: string | Buffer) => void }[] = [];
  socket.on("message", (raw: RawData, isBinary) => {
    const data = isBinary ? (raw as Buffer) : (raw as Buffer).toString();
    const n = heard.push({ data, isBinary });
    for (const one of waiting) if (one.n === n) one.settle(data);
  });
  const closed = new Promise<{ code: number; reason: string }>((settle) =>
    socket.on("close", (code, reason) => settle({ code, reason: reason.toString() })),
  );
  const upgraded = new Promise<Client["headers"]>((settle) =>
    socket.on("upgrade", (response) => settle(response.headers)),
  );
  await new Promise<void>((settle, fail) => {
    socket.on("open", () => settle());
    socket.on("error", fail);
    socket.on("unexpected-response", (_request, response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => fail(new Error(`${response.statusCode} ${body}`)));
    });
  });
  const nth = async (n: number): Promise<string | Buffer> =>
    heard[n - 1]?.data ?? new Promise((settle) => waiting.push({ n, settle }));
  return { socket, headers: await upgraded, closed, heard, nth };
}
