/** A door in front of the router that passes all on and notes it, changed where it must be: how often a client asked, and when, is not its own word. */
import { createServer, request as send } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Passed = {
  readonly method: string;
  readonly path: string;
  readonly key: string;
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
} & Pick<IncomingMessage, "statusCode" | "headers">;

export type Door = {
  readonly url: string;
  /** In the order in which they were answered. */
  readonly passed: readonly Passed[];
  close(): Promise<void>;
};

type Outgoing = { readonly path: string; readonly headers: IncomingMessage["headers"] };

/** `/seen?key=…&refusals=n` answers once so many requests of the key were answered 429. */
export async function openDoor(to: string, change = (request: Outgoing): Outgoing => request): Promise<Door> {
  const passed: Passed[] = [];
  const waiting = new Set<() => void>();
  const refusals = (key: string): number => passed.filter((one) => one.key === key && one.statusCode === 429).length;
  function tellSeen({ searchParams }: URL, response: ServerResponse): void {
    const look = (): void => {
      if (refusals(searchParams.get("key") ?? "") < Number(searchParams.get("refusals"))) return;
      waiting.delete(look);
      response.end();
    };
    waiting.add(look);
    look();
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", to);
    if (url.pathname === "/seen") return tellSeen(url, response);
    const askedAtMs = performance.now();
    const { path, headers: given } = change({ path: `${url.pathname}${url.search}`, headers: request.headers });
    const onward = send(to, { method: request.method, path, headers: given }, (answer) => {
      const key = request.headers.authorization?.replace("Bearer ", "") ?? "";
      const { statusCode, headers } = answer;
      passed.push({
        method: request.method ?? "",
        path: url.pathname,
        key,
        askedAtMs,
        answeredAtMs: performance.now(),
        statusCode,
        headers,
      });
      response.writeHead(statusCode ?? 502, headers);
      answer.pipe(response);
      // A transfer that breaks off must break off here as well.
      answer.once("error", () => response.destroy());
      for (const look of waiting) look();
    });
    onward.once("error", () => response.destroy());
    response.once("close", () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed,
    async close() {
      server.closeAllConnections();
      await new Promise((settle) => server.close(settle));
    },
  };
}
