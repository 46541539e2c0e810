/**
 * Loaded into each GPU simulator of the demo (`node --import`): tells the demo of every job and request that arrives,
 * as a line on stdout, at the moment when its head has been read and before the simulator sees it.
 *
 * The demo stamps the line when it reads it, with the clock that also stamped the submission; so a delay is never shown
 * shorter than it was. Rejected: asking the simulator for its counts again and again, which cannot tell when something
 * came, and two processes' clocks, which may differ by what is to be measured.
 */
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";

/** One line; probes have no id and are not told. */
export type ArrivalLine = { readonly arrived: string };

subscribe("http.server.request.start", (message) => {
  const { method, headers } = (message as { readonly request: IncomingMessage }).request;
  const requestId = headers["x-request-id"];
  if (method !== "POST" || typeof requestId !== "string") return;
  const line: ArrivalLine = { arrived: requestId };
  process.stdout.write(`${JSON.stringify(line)}\n`);
});
