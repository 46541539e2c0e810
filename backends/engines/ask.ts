/**
 * Decides where an engine is asked for its load, and asks it.
 *
 * Model. An engine tells at one of a few paths, and which it is shows in the answer. So all are tried once, the
 * one that tells the most first, and then only the one that told. One that nowhere tells is left alone for
 * LOOK_AGAIN_MS: it may be another engine by then. Asked only beside a probe that found the endpoint ready,
 * within TELL_TIMEOUT_MS, and never on the way of a request; an engine that is too busy to tell has told nothing,
 * and is no less ready for that.
 * Rejected: a kind of server for each engine in the config, which everybody would have to set right.
 */
import type { EngineReport } from "../../src/routing/core/endpoint/engine-report.ts";
import { look } from "../openai.ts";
import type { Egress, Target } from "../port.ts";
import { createEye } from "./eye.ts";
import type { EngineEye, TellingPath } from "./eye.ts";
import { llamaSlots, sglangGetLoad, sglangLoads } from "./loads.ts";
import { metricsReport } from "./metrics.ts";
import { METRICS_BYTES_MAX } from "./prometheus.ts";

const READERS: Readonly<Record<TellingPath, (text: string) => EngineReport | null>> = {
  // SGLang, without any flag, with the tokens that wait.
  "/v1/loads": sglangLoads,
  // vLLM, TGI, Triton; SGLang and llama.cpp where they are told to.
  "/metrics": metricsReport,
  // TensorRT-LLM.
  "/prometheus/metrics": metricsReport,
  // llama.cpp.
  "/slots": llamaSlots,
  // SGLang before `/v1/loads`.
  "/get_load": sglangGetLoad,
};

/** After so many answers in a row that told nothing, its place is looked for anew. */
export const MISSES_MAX = 3;
/** One that told nowhere is asked again after this, ms. */
export const LOOK_AGAIN_MS = 600_000;
/** Figures that are older say nothing (`engine-report.ts`), ms. */
const TELL_TIMEOUT_MS = 1_000;

/** What the engine says now; null: nothing. Never rejects. */
export async function askEngine(
  eye: EngineEye,
  target: Target,
  egress: Egress,
  now: number,
): Promise<EngineReport | null> {
  const signal = AbortSignal.timeout(TELL_TIMEOUT_MS);
  if (eye.path !== null) {
    const report = await askAt(eye.path, target, egress, signal);
    eye.misses = report === null ? eye.misses + 1 : 0;
    if (eye.misses >= MISSES_MAX) Object.assign(eye, createEye("auto"));
    return report;
  }
  if (now < eye.lookAtMs) return null;
  eye.lookAtMs = now + LOOK_AGAIN_MS;
  for (const path of Object.keys(READERS) as TellingPath[]) {
    const report = await askAt(path, target, egress, signal);
    if (report === null) continue;
    Object.assign(eye, createEye(path));
    return report;
  }
  return null;
}

async function askAt(
  path: TellingPath,
  target: Target,
  egress: Egress,
  signal: AbortSignal,
): Promise<EngineReport | null> {
  const answer = await look(path, target, egress, signal, METRICS_BYTES_MAX);
  return answer.status === 200 ? READERS[path](answer.body) : null;
}
