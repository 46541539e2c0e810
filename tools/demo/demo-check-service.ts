/** A guardrail service for the demo: slow, as such services are, and content with everything. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What the check service takes for an answer, ms: as moderation services do. */
export const CHECK_MS = 250;

export type CheckService = { readonly url: string };

/** Says "allow" to everything, after CHECK_MS. Ends with the process. */
export async function startCheckService(): Promise<CheckService> {
  const server = createServer((request, response) => {
    request.resume().once("end", () => {
      setTimeout(() => response.end(JSON.stringify({ verdict: "allow" })), CHECK_MS);
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  server.unref();
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** The rails of the guarded pool, as in a config. */
export const guardedRails = ({ url }: CheckService) => ({
  input: ["size", "secrets", "pii", "injection", { use: "webhook", name: "policy", options: { url } }],
  overlap: "dispatch",
});
