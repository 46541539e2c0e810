/** The page below the decisions, in its order. */
import { Audit } from "../audit/audit.tsx";
import { Charts } from "../charts/charts.tsx";
import { Cost } from "../cost/cost.tsx";
import { Events } from "../events/events.tsx";
import { Jobs } from "../jobs/jobs.tsx";
import { Keys } from "../keys/keys.tsx";
import { Rails } from "../rails/rails.tsx";
import { TryIt } from "../try/try-it.tsx";

/** Of the page's navigation: the id of each section, and its title. */
export const LOWER_SECTIONS: readonly (readonly [id: string, title: string])[] = [
  ["charts", "Charts"],
  ["rails", "Guardrails"],
  ["cost", "Cost"],
  ["jobs", "Jobs"],
  ["events", "Events"],
  ["keys", "Keys"],
  ["audit", "Audit"],
  ["try", "Try it"],
];

export function LowerHalf() {
  return (
    <>
      <Charts />
      <Rails />
      <Cost />
      <Jobs />
      <Events />
      <Keys />
      <Audit />
      <TryIt />
    </>
  );
}
