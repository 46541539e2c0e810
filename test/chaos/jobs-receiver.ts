/**
 * Receives webhooks in Runpod's form and notes which end each job was told to have; a job may be told more than once.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { JobStatus } from "../../src/jobs/core/messages.ts";

export type WebhookReceiver = {
  readonly url: string;
  /** Ends by job id: more than one kind is a broken promise. */
  readonly ends: ReadonlyMap<string, ReadonlySet<JobStatus>>;
  received(): number;
  close(): void;
};

const STATUS: ReadonlyMap<string, JobStatus> = new Map([
  ["COMPLETED", "completed"],
  ["FAILED", "failed"],
  ["CANCELLED", "cancelled"],
  ["TIMED_OUT", "timed_out"],
]);

/** The state that Runpod's word stands for; null while the job goes on. */
export const endOf = (word: string): JobStatus | null => STATUS.get(word) ?? null;

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const ends = new Map<string, Set<JobStatus>>();
  let received = 0;
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (part: string) => {
      text += part;
    });
    request.on("end", () => {
      received += 1;
      const { id, status } = JSON.parse(text) as { id: string; status: string };
      const end = endOf(status);
      if (end !== null) ends.set(id, (ends.get(id) ?? new Set<JobStatus>()).add(end));
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    ends,
    received: () => received,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
