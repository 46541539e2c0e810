/**
 * The listening socket of a server, which can be shut and opened again on the same port, so that a test sees
 * ECONNREFUSED and then the same endpoint back. Rejected: a second process to kill, which loses the engine's state.
 */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

export type Door = {
  /** Listens, and gives the port. */
  open(port: number): Promise<number>;
  /** New connections are refused, for `forMs` or until `listenAgain`; what runs goes on. */
  refuse(forMs: number | null): void;
  listenAgain(): Promise<void>;
  /** While shut, a connection is not kept for another request: call it when an answer has ended. */
  afterAnswer(): void;
  /** Ends every connection. */
  close(): Promise<void>;
};

export function createDoor(server: Server, host: string): Door {
  let port = 0;
  let timer: NodeJS.Timeout | undefined;
  const listen = async (wanted: number): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen(wanted, host, () => {
      server.off("error", reject);
      resolve();
    });
    await promise;
  };
  const listenAgain = async (): Promise<void> => {
    clearTimeout(timer);
    if (!server.listening) await listen(port);
  };
  return {
    async open(wanted) {
      await listen(wanted);
      ({ port } = server.address() as AddressInfo);
      return port;
    },
    refuse(forMs) {
      clearTimeout(timer);
      // Node closes the idle connections with it, so that a kept one does not pass the shut door.
      if (server.listening) server.close();
      if (forMs !== null) timer = setTimeout(() => void listenAgain(), forMs);
    },
    listenAgain,
    afterAnswer() {
      if (!server.listening) setImmediate(() => server.closeIdleConnections());
    },
    async close() {
      clearTimeout(timer);
      const { promise, resolve } = Promise.withResolvers<void>();
      // An error here only says that it did not listen, which is what was wanted.
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
}
