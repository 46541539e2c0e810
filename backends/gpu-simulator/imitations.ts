/**
 * How other servers than vLLM tell of their health: what each answers where its adapter looks, in each state of the
 * simulated endpoint. Work is served in OpenAI's form whatever is imitated.
 *
 * Source: docs/reference/sources.md, Inference servers.
 */
import type { EngineLoad } from "../gpu-engine/engine-types.ts";
import type { LifecycleState } from "./lifecycle.ts";

export const IMITATIONS = ["vllm", "sglang", "tgi", "llamacpp", "ollama", "nim", "triton", "cog"] as const;
export type Imitation = (typeof IMITATIONS)[number];

export type Imitated = {
  readonly status: number;
  readonly body: unknown;
  /** The endpoint is to load its model. */
  readonly wakes?: boolean;
};

export type ImitatedState = {
  readonly state: LifecycleState;
  readonly load: EngineLoad;
  readonly model: string;
  readonly slots: number;
};

/** Null: the path is none of this server's own. */
export function imitate(kind: Imitation, path: string, seen: ImitatedState): Imitated | null {
  return ANSWERS[kind](path, seen);
}

type Answer = (path: string, seen: ImitatedState) => Imitated | null;

/** One that drains takes nothing new, and says so as one that loads does. */
const isWarm = ({ state }: ImitatedState): boolean => state === "warm";

const ANSWERS: Readonly<Record<Imitation, Answer>> = {
  vllm: () => null,
  sglang: (path, seen) => {
    // A token is generated here, and the caller waits for it behind everybody's.
    if (path === "/health") return { status: isWarm(seen) ? 200 : 503, body: "" };
    if (path !== "/v1/loads") return null;
    const { running, waiting } = seen.load;
    const rank = {
      dp_rank: 0,
      num_running_reqs: running,
      num_waiting_reqs: waiting,
      max_total_num_tokens: isWarm(seen) ? 100_000 : 0,
    };
    return { status: 200, body: { version: "gpu-simulator", loads: [rank] } };
  },
  tgi: (path, seen) =>
    path !== "/health"
      ? null
      : isWarm(seen)
        ? { status: 200, body: "" }
        : { status: 503, body: { error: "unhealthy", error_type: "healthcheck" } },
  llamacpp: (path, seen) => {
    const loading = { error: { code: 503, message: "Loading model", type: "unavailable_error" } };
    if (path === "/health")
      return isWarm(seen) ? { status: 200, body: { status: "ok" } } : { status: 503, body: loading };
    if (path !== "/slots") return null;
    const slots = Array.from({ length: seen.slots }, (_, id) => ({ id, is_processing: id < seen.load.running }));
    return { status: 200, body: slots };
  },
  ollama: (path, seen) => {
    if (path === "/api/version") return { status: 200, body: { version: "gpu-simulator" } };
    if (path === "/api/generate") return { status: 200, body: { model: seen.model, done: true }, wakes: true };
    const resident = isWarm(seen) ? [{ name: `${seen.model}:latest`, size_vram: 1 }] : [];
    return path === "/api/ps" ? { status: 200, body: { models: resident } } : null;
  },
  nim: (path, seen) => {
    const body = { object: "health.response", message: "", status: isWarm(seen) ? "ready" : "not ready" };
    if (path === "/v1/health/live") return { status: 200, body: { ...body, status: "live" } };
    return path === "/v1/health/ready" ? { status: isWarm(seen) ? 200 : 503, body } : null;
  },
  triton: (path, seen) => {
    if (path === "/v2/health/live") return { status: 200, body: "" };
    return path === "/v2/health/ready" ? { status: isWarm(seen) ? 200 : 400, body: "" } : null;
  },
  cog: (path, seen) => {
    if (path !== "/health-check") return null;
    const isBusy = seen.load.running >= seen.slots;
    return { status: 200, body: { status: isWarm(seen) ? (isBusy ? "BUSY" : "READY") : "STARTING" } };
  },
};
