/** TLS in front of a router, as every deployment has: for clients that speak nothing else. Its certificate is made by openssl. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, getCACertificates, setDefaultCACertificates } from "node:tls";

export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

export type TlsFront = { readonly url: string; close(): Promise<void> };

/** From now on this process trusts it. */
export async function startTlsFront(port: number): Promise<TlsFront> {
  const dir = mkdtempSync(join(tmpdir(), "warmpath-tls-"));
  const [key, cert] = [join(dir, "key.pem"), join(dir, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const made = spawnSync("openssl", [...kind, "-keyout", key, "-out", cert, ...subject], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`openssl made no certificate: ${made.stderr}`);
  const pem = readFileSync(cert, "utf8");
  const before = getCACertificates("default");
  setDefaultCACertificates([...before, pem]);
  const open = new Set<Socket>();
  const server = createServer({ key: readFileSync(key), cert: pem }, (outside) => {
    const inside = connect(port, "127.0.0.1");
    for (const socket of [outside, inside]) {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        open.delete(socket);
        outside.destroy();
        inside.destroy();
      });
    }
    outside.pipe(inside).pipe(outside);
  });
  rmSync(dir, { recursive: true, force: true });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    async close() {
      setDefaultCACertificates(before);
      for (const socket of open) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
