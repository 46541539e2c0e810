/** Stands in for `routing/core/cost/plan.ts`: held requests are bound at once, or only when a slot is free. */
import { costTerms, totalMs } from "../../../../../src/routing/core/cost/cost.ts";
import type { EndpointView } from "../../../../../src/routing/core/endpoint/endpoint-view.ts";
import { planHeld as plan } from "../../../../../src/routing/core/cost/plan.ts";
import type { Commit, HeldRequest, Planned } from "../../../../../src/routing/core/cost/plan.ts";
import { promptAt, readingFigures } from "../../../../../src/routing/core/cost/route.ts";
import type { Rng } from "../../../../../src/lib/rng.ts";
import { withoutOf } from "../without.ts";

export { PLAN_MAX } from "../../../../../src/routing/core/cost/plan.ts";

const isLate = withoutOf(import.meta.url) === "early";

export function planHeld(held: readonly HeldRequest[], views: readonly EndpointView[], rng: Rng): Planned {
  return isLate
    ? plan(
        held,
        views.map((view) => ({ ...view, queuesExcess: false })),
        rng,
      )
    : bindAll(held, views);
}

function bindAll(held: readonly HeldRequest[], views: readonly EndpointView[]): Planned {
  const taken = new Map(views.map(({ id, inFlight }) => [id, inFlight]));
  const commits = held.flatMap(({ id, request, onlyRegion }): Commit[] => {
    const costs = views
      .filter(
        ({ id: one, region, standing, warmth }) =>
          standing === "admitting" &&
          warmth === "warm" &&
          !request.excluded.includes(one) &&
          (onlyRegion === null || region === onlyRegion),
      )
      .map((view) => {
        const seen = { ...view, inFlight: taken.get(view.id) ?? 0 };
        return { view, costMs: totalMs(costTerms(seen, request)) };
      });
    const best = costs.reduce<(typeof costs)[number] | null>(
      (least, one) => (least === null || one.costMs < least.costMs ? one : least),
      null,
    );
    if (best === null) return [];
    const { view, costMs } = best;
    taken.set(view.id, (taken.get(view.id) ?? 0) + 1);
    const { net } = costTerms(view, request);
    const prompt = promptAt(readingFigures(view, request, net), net);
    return [{ id, endpointId: view.id, region: view.region, reason: "spill", costMs, prompt }];
  });
  return { commits, staysMs: new Map() };
}
