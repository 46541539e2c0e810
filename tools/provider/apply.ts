/**
 * Makes a plan so, one endpoint after the other. It stops at the first failure and says what was done, what failed and what
 * was not tried: the next plan begins from what is there, so to go on is to apply again.
 */
import { actualOf, type Actual, type Change, type Wanted } from "./plan.ts";
import { ProviderError, type RunpodApi } from "./runpod-api.ts";

export type Applied = {
  readonly done: readonly { readonly change: Change; readonly actual: Actual }[];
  /** `isUnknown`: there was no answer, so it may have been done. Null: all went well. */
  readonly failed: { readonly change: Change; readonly why: string; readonly isUnknown: boolean } | null;
  readonly left: readonly Change[];
};

export async function applyPlan(
  api: RunpodApi,
  changes: readonly Change[],
  wanted: readonly Wanted[],
  told: (change: Change) => void,
): Promise<Applied> {
  const done: { change: Change; actual: Actual }[] = [];
  for (const [index, change] of changes.entries()) {
    told(change);
    try {
      done.push({ change, actual: await make(api, change, wanted) });
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      const failed = { change, why: error.message, isUnknown: error.status === null };
      return { done, failed, left: changes.slice(index + 1) };
    }
  }
  return { done, failed: null, left: [] };
}

/** A creation whose answer was lost is not made twice: what has its name by now is taken. */
async function make(api: RunpodApi, { id, body, endpoint }: Change, wanted: readonly Wanted[]): Promise<Actual> {
  if (id !== null) return api.update(id, body);
  const own = wanted.find((one) => one.endpoint.id === endpoint);
  const there = own === undefined ? null : actualOf(own, await api.list());
  return there ?? api.create(body);
}
