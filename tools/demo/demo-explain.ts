/**
 * The act that asks the router why: `POST /admin/explain`, as a table of every candidate with its cost, term by term.
 *
 * What it says is held against what is known without it: the terms add up, the warm candidate with the lowest sum is
 * the chosen one, a request from the same place went there, and no endpoint saw anything of the question. Terms that
 * are 0 for every candidate get no column, because a terminal is narrow and a zero explains nothing.
 */
import type { CostTerms } from "../../src/routing/core/cost/cost.ts";
import type { ExplainedCandidate, Explanation } from "../../src/routing/core/cost/explain.ts";
import { explain } from "./demo-client.ts";
import { ENDPOINTS, ROLES } from "./demo-fleet.ts";
import type { Column } from "./demo-print.ts";
import { check, requestsSeen, SETTLE_MS_MAX, type Stage, TOKYO, until } from "./demo-stage.ts";

/** Long enough a prompt for its reading to show, tokens. */
const INPUT_TOKENS = 500;

/** Sums and terms are floating-point numbers: they agree to this, ms. */
const SUM_ERROR_MS_MAX = 0.001;

/** Every term in plain words, in the order of the columns. */
const TERMS: Readonly<Record<keyof CostTerms, string>> = {
  net: "round trip",
  wait: "for a slot",
  load: "slower when busy",
  pre: "reading the prompt",
  cold: "cold start",
  risk: "expected failures",
};

export async function showExplain(stage: Stage): Promise<void> {
  const { fleet, print, answers } = stage;
  print.heading("3. Why there? The router explains a request from Tokyo");
  const before = await requestsSeen(stage);
  const question = {
    model: fleet.client.model,
    place: `${TOKYO.place.lat},${TOKYO.place.lon}`,
    inputTokens: INPUT_TOKENS,
  };
  // On a busy machine the shard may be late once; what is then told from an older picture is asked again.
  const { ok: isLive, seen } = await until(
    async () => explain(fleet.client, question),
    ({ source }) => source === "shard",
    SETTLE_MS_MAX,
  );
  print.line(`  POST /admin/explain ${JSON.stringify(question)}\n`);
  printCandidates(stage, seen);
  if (!isLive) check(stage, false, `the shard of Tokyo's region was not heard: this is told from its ${seen.source}`);
  if (!seen.candidates.every(addsUp)) check(stage, false, "the terms of each candidate add up to its sum");
  const told = ROLES.filter((role) => seen.candidates.some(({ endpointId }) => endpointId === ENDPOINTS[role].id));
  const lowestId = cheapestWarm(seen.candidates)?.endpointId ?? "none";
  const chosenId = seen.decision.kind === "chosen" ? seen.decision.endpointId : "none";
  const wentTo = answers.findLast(({ from }) => from === TOKYO)?.endpointId ?? "nowhere";
  check(
    stage,
    told.length === ROLES.length && lowestId === chosenId && wentTo === chosenId,
    `${told.length} endpoints explained: lowest warm sum ${lowestId}, chosen ${chosenId}, Tokyo's request went to ${wentTo}`,
  );
  const sent = (await requestsSeen(stage)) - before;
  check(stage, sent === 0, `asking sends nothing: ${sent} requests reached an endpoint`);
}

function printCandidates({ print }: Stage, { candidates }: Explanation): void {
  const names = Object.keys(TERMS) as (keyof CostTerms)[];
  const shown = names.filter((name) => candidates.some(({ terms }) => Math.round(terms[name]) > 0));
  const columns: readonly Column[] = [
    { title: "endpoint", width: 13 },
    ...shown.map((name) => ({ title: name, width: name === "cold" ? -6 : -4 })),
    { title: "sum", width: -6 },
    { title: "why", width: 1 },
  ];
  print.head(columns);
  for (const { endpointId, terms, totalMs, why } of candidates) {
    const figures = [...shown.map((name) => terms[name]), totalMs];
    print.row(columns, [endpointId, ...figures.map((value) => Math.round(value).toLocaleString("en")), why]);
  }
  const legend = shown.map((name) => `${name}: ${TERMS[name]}`).join(", ");
  print.note(`(ms until the first token. ${legend})`);
}

const addsUp = ({ terms, totalMs }: ExplainedCandidate): boolean =>
  Math.abs(Object.values(terms).reduce((sum, value) => sum + value, 0) - totalMs) <= SUM_ERROR_MS_MAX;

/** Of those that may take the request now. */
function cheapestWarm(candidates: readonly ExplainedCandidate[]): ExplainedCandidate | undefined {
  return candidates
    .filter(({ warmth, excluded, inFlight, capacity }) => warmth === "warm" && excluded === null && inFlight < capacity)
    .toSorted((one, other) => one.totalMs - other.totalMs)[0];
}
