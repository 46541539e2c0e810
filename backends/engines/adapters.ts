/**
 * Which adapters (LoRA) of a pool an engine knows, by its own list of models, and what it says of them in the pool's words.
 *
 * Model. An engine's metrics tell which adapters are in its batch; which it could take at all stands in its list of models, which
 * changes when somebody loads or unloads one. So the list is asked for beside a probe, every LIST_AGAIN_MS, and only for a
 * pool that has adapters. What is no list says nothing. An engine has its own names for adapters as for models.
 * Source: docs/reference/sources.md, Inference servers (vLLM and SGLang list an adapter with its `parent`).
 */
import type { EngineReport } from "../../src/routing/core/endpoint/engine-report.ts";
import { LIST_BYTES_MAX, listedModels } from "../../src/wire/listed-models.ts";
import { look } from "../openai.ts";
import type { Egress, Target } from "../port.ts";

/** A list is taken as it is for so long, ms. */
export const LIST_AGAIN_MS = 10_000;
/** It is asked for beside a probe, which it is not to hold up, ms. */
const LIST_TIMEOUT_MS = 1_000;

/** Written in place. */
export type AdapterEye = {
  /** The engine's name for each adapter of the pool. */
  readonly names: ReadonlyMap<string, string>;
  /** Adapters of the pool that it lists; null: it has no list. */
  listed: readonly string[] | null;
  lookAtMs: number;
};

export const createAdapterEye = (names: ReadonlyMap<string, string>): AdapterEye => ({
  names,
  listed: null,
  lookAtMs: Number.NEGATIVE_INFINITY,
});

/** `report`, with what is known of the pool's adapters there; null: nothing is known of anything. Never rejects. */
export async function withAdapters(
  eye: AdapterEye,
  report: EngineReport | null,
  { target, egress, now }: { readonly target: Target; readonly egress: Egress; readonly now: number },
): Promise<EngineReport | null> {
  if (eye.names.size === 0) return report;
  if (now >= eye.lookAtMs) {
    eye.lookAtMs = now + LIST_AGAIN_MS;
    const signal = AbortSignal.timeout(LIST_TIMEOUT_MS);
    const { status, body } = await look("/v1/models", target, egress, signal, LIST_BYTES_MAX);
    const listed = status === 200 ? listedModels(body, 0) : null;
    const ids = new Set(listed?.map(({ id }) => id));
    eye.listed = listed === null ? null : here(eye, (name) => ids.has(name));
  }
  const resident = new Set(report?.adapters);
  const adapters = report?.adapters?.concat(here(eye, (name) => resident.has(name)));
  if (report === null && eye.listed === null) return null;
  return {
    ...report,
    ...(adapters === undefined ? {} : { adapters: [...new Set(adapters)] }),
    ...(eye.listed === null ? {} : { adaptersListed: eye.listed }),
  };
}

/** Adapters of the pool whose name at the engine is meant. */
const here = ({ names }: AdapterEye, isMeant: (name: string) => boolean): readonly string[] =>
  [...names].filter(([, name]) => isMeant(name)).map(([adapter]) => adapter);
