/** The heap of a running workerd, by V8's own inspector: what lives after a collection, and not what waits for one. */
import type { Workerd } from "../../tools/cli/workerd.ts";

/** Bytes that live in the isolate of the Worker and its objects, right after a collection. */
export async function liveHeapBytes({
  inspectorPort,
  url: router,
}: Pick<Workerd, "inspectorPort" | "url">): Promise<number> {
  if (inspectorPort === undefined || inspectorPort === null) throw new Error("workerd was started without `inspect`");
  const targets = (await (await fetch(`http://127.0.0.1:${inspectorPort}/json`)).json()) as {
    readonly webSocketDebuggerUrl: string;
  }[];
  const url = targets[0]?.webSocketDebuggerUrl;
  if (url === undefined) throw new Error("the inspector names no isolate");
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
  try {
    const collected = new AbortController();
    const collecting = asked(socket, 1, "HeapProfiler.collectGarbage").finally(() => collected.abort());
    // An isolate that has nothing to do collects nothing: it is given a request until it has.
    while (!collected.signal.aborted) await (await fetch(`${router}/livez`)).text();
    await collecting;
    const { usedSize } = (await asked(socket, 2, "Runtime.getHeapUsage")) as { readonly usedSize: number };
    return usedSize;
  } finally {
    socket.close();
  }
}

function asked(socket: WebSocket, id: number, method: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const hear = ({ data }: MessageEvent): void => {
      const answer = JSON.parse(String(data)) as { id?: number; result?: unknown; error?: { message: string } };
      if (answer.id !== id) return;
      socket.removeEventListener("message", hear);
      if (answer.error === undefined) resolve(answer.result);
      else reject(new Error(`${method}: ${answer.error.message}`));
    };
    socket.addEventListener("message", hear);
    socket.send(JSON.stringify({ id, method }));
  });
}
