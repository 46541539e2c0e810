/**
 * Adapter for any OpenAI-compatible server, and what the adapters of single engines share with it.
 *
 * Readiness: `/health`; a server without that path is asked for `/v1/models`. 204 and 503 while the model loads are
 * told apart by the body where a server says so (llama.cpp's "Loading model"); a plain 503 is a failed probe.
 * Source: docs/reference/sources.md, Inference servers.
 */
import type { ProbeResult } from "../src/routing/core/endpoint/endpoint.ts";
import { FAILURE_CHARS_MAX } from "../src/routing/core/shard-messages.ts";
import { brokenWords } from "../src/wire/broken-words.ts";
import { readStart } from "../src/wire/read-body.ts";
import { classifyStatus } from "./classify.ts";
import type { Backend, Egress, Target } from "./port.ts";
import { ANSWER_PEEK_BYTES } from "./port.ts";

export const openaiBackend: Backend = {
  kind: "openai",
  workerHeader: null,
  probe: async (target, egress, signal) => {
    const health = await look(null, target, egress, signal);
    if (health.status === 404) {
      const models = await look("/v1/models", target, egress, signal);
      return models.status === 200 ? READY : failedProbe(models);
    }
    if (health.status === 200) return READY;
    if (health.status === 204 || (health.status === 503 && LOADING.test(health.body))) return { kind: "warming" };
    return failedProbe(health);
  },
  // A server without scale-to-zero has nothing to wake; one behind an autoscaler starts when it is asked for anything.
  wake: async (target, egress, signal) => {
    await look(null, target, egress, signal);
  },
  classify: ({ status, bodyStart }) => classifyStatus(status, bodyStart),
};

export const READY = { kind: "ready", warmWorkers: null } as const;

/** What a health check showed that did not say that the endpoint is ready. */
export const failedProbe = ({ status, body }: Looked): ProbeResult => ({
  kind: "failed",
  failure: {
    status,
    text: status === null ? `no answer to the health check: ${body}` : body.slice(0, FAILURE_CHARS_MAX),
  },
});

const LOADING = /"?status"?\s*:\s*"(?:warming|loading|starting)|loading model/i;

/** `status`: null: there was no answer, and `body` says why. */
export type Looked = { readonly status: number | null; readonly body: string };

/**
 * One GET of a path, or of the health URL (null); `body` is its start, `bytesMax` at most. Never rejects.
 */
export async function look(
  path: string | null,
  target: Target,
  egress: Egress,
  signal: AbortSignal,
  bytesMax = ANSWER_PEEK_BYTES,
): Promise<Looked> {
  try {
    const response = await egress(target, { method: "GET", path, headers: {}, body: null, signal });
    const start = await readStart(response.body, bytesMax);
    return { status: response.status, body: new TextDecoder().decode(start, { stream: true }) };
  } catch (error) {
    return { status: null, body: brokenWords(error) };
  }
}
