/**
 * What `serve` does for the objects of the router that it keeps: it writes the file of an idle queue anew, when asked
 * to.
 */
import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StateDir } from "./state-dir.ts";

export type StateHost = { readonly socket: string; close(): void };

/** Listens on a Unix socket in a folder of its own, which nobody else may enter. */
export async function startStateHost(state: StateDir): Promise<StateHost> {
  const dir = mkdtempSync(join(tmpdir(), "warmpath-host-"));
  const socket = join(dir, "host.sock");
  const server = createServer((request, response) => {
    const [, id] = /^\/scrub\/([0-9a-f]{64})$/.exec(request.url ?? "") ?? [];
    const isDone = request.method === "POST" && id !== undefined && state.scrubQueue(id);
    response.writeHead(isDone ? 204 : 409).end();
  });
  await new Promise<void>((settle) => server.listen(socket, settle));
  return {
    socket,
    close() {
      server.closeAllConnections();
      server.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
