/** What a server says of itself, for `warmpath init`: its models, and by which paths it is known. */
import { type Seen, type ServerFound, serverOf } from "./server-kind.ts";

/** A server that is there answers a list of models at once; a cold load balancer does not, and is told from its address. */
const PROBE_MS_MAX = 5_000;
const ANSWER_BYTES_MAX = 1_000_000;

/** `key`: sent as a bearer token; null: none. Never rejects. */
export async function probeServer(url: string, key: string | null): Promise<ServerFound> {
  const ask = async (path: string): Promise<Seen> => look(`${url}${path}`, key);
  const [models, health, props, ollama, sglang] = await Promise.all(
    ["/v1/models", "/health", "/props", "/api/version", "/get_model_info"].map(ask),
  );
  return serverOf(url, { models, health, props, ollama, sglang } as Parameters<typeof serverOf>[1]);
}

async function look(url: string, key: string | null): Promise<Seen> {
  try {
    const response = await fetch(url, {
      headers: key === null ? {} : { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(PROBE_MS_MAX),
      redirect: "manual",
    });
    const text = (await response.text()).slice(0, ANSWER_BYTES_MAX);
    return { status: response.status, json: jsonOf(text) };
  } catch (error) {
    return {
      status: null,
      json: null,
      why: error instanceof Error ? (error.cause ?? error).toString() : String(error),
    };
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
