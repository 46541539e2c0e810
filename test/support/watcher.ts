/** A page that watches, as far as its socket goes: a WebSocket client of its own, with the headers of a browser. */
import type { FeedFrame } from "../../src/sight/core/frame.ts";
import type { RequestRecord } from "../../src/sight/core/record.ts";

export type Frame = FeedFrame<RequestRecord>;

export type Watcher = {
  readonly frames: readonly Frame[];
  readonly texts: readonly string[];
  /** Resolves with the first frame, from now on or earlier, of which it is so. */
  frame(isSo: (frame: Frame) => boolean): Promise<Frame>;
  /** Resolves with the first message that is no frame. */
  text(): Promise<string>;
  /** Resolves when it is closed; 1006 where it never opened. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  send(text: string): void;
  close(): void;
};

export function watch(routerUrl: string, headers: Record<string, string>): Watcher {
  const url = `${routerUrl.replace("http", "ws")}/dashboard/api/live`;
  // The platform's own client takes headers, which its types do not tell.
  const socket = Reflect.construct(WebSocket, [url, { headers: { origin: routerUrl, ...headers } }]) as WebSocket;
  const frames: Frame[] = [];
  const texts: string[] = [];
  const waiting = new Set<() => void>();
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  socket.addEventListener("message", ({ data }) => {
    const text = String(data);
    if (text.startsWith("{")) frames.push(JSON.parse(text) as Frame);
    else texts.push(text);
    for (const look of waiting) look();
  });
  socket.addEventListener("close", ({ code, reason }) => closed.resolve({ code, reason }));
  socket.addEventListener("error", () => undefined);
  const until = <Found>(find: () => Found | undefined): Promise<Found> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = find();
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return {
    frames,
    texts,
    frame: (isSo) => until(() => frames.find(isSo)),
    text: () => until(() => texts[0]),
    closed: closed.promise,
    send: (text) => socket.send(text),
    close: () => socket.close(),
  };
}
