/**
 * The show: what the demo does with its fleet, what it prints, and what it checks.
 *
 * Every number and name in a line comes from an answer's headers, from the router's view of the fleet or from an
 * endpoint's own counts; so each act can also be wrong, and then says so. Eight acts: the fleet, where requests go,
 * why, the near endpoint killed, the near endpoint back, the cold endpoint woken, guardrails, jobs.
 */
import type { EndpointView } from "../../src/routing/core/endpoint/endpoint-view.ts";
import { type Answer, chat } from "./demo-client.ts";
import { showExplain } from "./demo-explain.ts";
import { ENDPOINTS, type Fleet, ROLES } from "./demo-fleet.ts";
import { showGuardrails } from "./demo-guardrails.ts";
import { showJobs } from "./demo-jobs.ts";
import type { Column, Print } from "./demo-print.ts";
import { showRush } from "./demo-rush.ts";
import {
  check,
  LONDON,
  ms,
  NEW_YORK,
  note,
  request,
  REQUEST_COLUMNS,
  seconds,
  SETTLE_MS_MAX,
  SHORT_TOKENS,
  type Stage,
  TOKYO,
  until,
  viewOf,
} from "./demo-stage.ts";

/** Clients that wait for an answer at the moment of the kill. */
const WAITING_CLIENTS = 4;

/** Requests after the kill within which one must go to the far endpoint directly: five failures eject the near one. */
const REROUTE_REQUESTS_MAX = 10;

/** From the restart until the router must use the endpoint again, ms: its probes run every 1 to 5 s. */
const RECOVERY_MS_MAX = 15_000;

/** Requests in a row that must reach the near endpoint for it to count as back. */
const RECOVERED_REQUESTS = 3;

/** Tokens of an answer that is still running when its endpoint is killed. */
const LONG_TOKENS = 80;

const ACTS = [showFleet, showRouting, showExplain, showFailover, showRecovery, showRush, showGuardrails, showJobs];

/** Resolves with what was not as it should be: nothing, if all is well. */
export async function perform(fleet: Fleet, print: Print): Promise<readonly string[]> {
  const stage: Stage = { fleet, print, answers: [], failures: [] };
  try {
    for (const act of ACTS) await act(stage);
  } catch (error) {
    // An act that could not go on: what failed before it is the likely reason, so both are told.
    stage.failures.push(error instanceof Error ? error.message : String(error));
  }
  return stage.failures;
}

const FLEET_COLUMNS: readonly Column[] = [
  { title: "endpoint", width: 13 },
  { title: "region", width: 12 },
  { title: "state", width: 5 },
  { title: "slots", width: -5 },
  { title: "address", width: 21 },
  { title: "pid", width: -7 },
];

async function showFleet({ fleet, print, failures }: Stage): Promise<void> {
  const { client, router, endpoints } = fleet;
  print.heading("1. The fleet");
  print.line(`  router   ${client.url}  (raw workerd, bundled in ${ms(router.bundledInMs)})`);
  print.line(`  dev key  ${client.key}\n`);
  const isReady = (seen: readonly EndpointView[]): boolean =>
    ROLES.every((role) => viewOf(seen, role)?.warmth === (role === "cold" ? "cold" : "warm"));
  const views = await until(async () => fleet.views(true), isReady, SETTLE_MS_MAX);
  print.head(FLEET_COLUMNS);
  for (const role of ROLES) {
    const view = viewOf(views.seen, role);
    const { url, pid } = endpoints[role];
    const cells = [ENDPOINTS[role].id, view?.region, view?.warmth, view?.capacity, url.replace("http://", ""), pid];
    print.row(
      FLEET_COLUMNS,
      cells.map((cell) => String(cell ?? "?")),
    );
  }
  if (!views.ok) check({ print, failures }, false, "the router sees two warm endpoints and a cold one");
  print.note("GPUs and places are simulated: the router reckons with distance, the network adds none.");
}

async function showRouting(stage: Stage): Promise<void> {
  const { fleet, print } = stage;
  print.heading("2. Requests from several places");
  print.head(REQUEST_COLUMNS);
  const first = await request(stage, NEW_YORK, { maxTokens: SHORT_TOKENS });
  await request(stage, LONDON, { maxTokens: SHORT_TOKENS });
  await request(stage, TOKYO, { maxTokens: SHORT_TOKENS });
  const streamed = await request(stage, NEW_YORK, { maxTokens: SHORT_TOKENS * 2, stream: true });
  print.note("(router: from the request's arrival until it was sent to the endpoint that answered)");
  const allServed = stage.answers.every(({ status }) => status === 200);
  const nearChosen = [first, streamed].every(({ endpointId }) => endpointId === ENDPOINTS.near.id);
  const went = [first, streamed].map(({ endpointId }) => endpointId ?? "nowhere").join(", then ");
  check(stage, allServed && nearChosen, `near warm chosen: New York went to ${nearChosen ? first.endpointId : went}`);
  await checkColdUntouched(stage, "cold not chosen");
  const view = viewOf(await fleet.views(false), "cold");
  if (view?.warmth === "cold") {
    print.note(`    Nobody in Tokyo waited for its cold start, estimated at ${(view.coldMs / 1000).toFixed(0)} s.`);
  }
}

async function checkColdUntouched(stage: Stage, claim: string): Promise<void> {
  const { requests, state } = await stage.fleet.stats("cold");
  const { id } = ENDPOINTS.cold;
  const chosen = stage.answers.filter(({ endpointId }) => endpointId === id).length;
  check(
    stage,
    chosen === 0 && requests === 0 && state === "cold",
    `${claim}: ${id} has had ${requests} requests and is ${state}`,
  );
}

async function showFailover(stage: Stage): Promise<void> {
  const { fleet, print, answers } = stage;
  const { near, far } = ENDPOINTS;
  print.heading(`4. ${near.id} is killed while ${WAITING_CLIENTS} clients wait for its answer`);
  const before = answers.length;
  const { pid } = fleet.endpoints.near;
  const waiting = Array.from({ length: WAITING_CLIENTS }, () =>
    chat(fleet.client, { place: NEW_YORK.place, maxTokens: LONG_TOKENS }),
  );
  const running = await until(
    async () => fleet.stats("near"),
    ({ activeRequests }) => activeRequests === WAITING_CLIENTS,
    SETTLE_MS_MAX,
  );
  await fleet.endpoints.near.kill();
  print.line(`  kill -9 ${pid}  (${running.seen.activeRequests} requests running there)\n`);
  print.head(REQUEST_COLUMNS);
  for (const answer of await Promise.all(waiting)) note(stage, NEW_YORK, answer);
  const retried = answers.slice(before).every(({ attempts }) => (attempts ?? 0) > 1);

  const isDirect = (answer: Answer): boolean => answer.endpointId === far.id && answer.attempts === 1;
  let last = await request(stage, NEW_YORK, { maxTokens: SHORT_TOKENS });
  for (let sent = 1; sent < REROUTE_REQUESTS_MAX && !isDirect(last); sent++) {
    last = await request(stage, NEW_YORK, { maxTokens: SHORT_TOKENS });
  }
  const after = answers.slice(before);
  const errors = after.filter(({ status }) => status !== 200).length;
  const toFar = after.filter(({ endpointId }) => endpointId === far.id).length;
  check(stage, retried && toFar === after.length, `near killed -> far: ${toFar} of ${after.length} went to ${far.id}`);
  check(stage, isDirect(last), `the router stopped trying ${near.id}: it now sees it as ${await seenAs(stage)}`);
  check(stage, errors === 0, `${errors} of ${after.length} clients saw an error`);
}

async function seenAs({ fleet }: Stage): Promise<string> {
  return viewOf(await fleet.views(false), "near")?.standing ?? "unknown";
}

async function showRecovery(stage: Stage): Promise<void> {
  const { fleet, print, answers } = stage;
  const { near } = ENDPOINTS;
  print.heading(`5. ${near.id} is started again`);
  await fleet.restart("near");
  const startedAtMs = performance.now();
  const { pid, port } = fleet.endpoints.near;
  print.line(`  new process ${pid} on port ${port}; the router finds out by its own probes\n`);
  print.head(REQUEST_COLUMNS);
  const before = answers.length;
  let inARow = 0;
  let backAfterMs = 0;
  while (inARow < RECOVERED_REQUESTS && performance.now() - startedAtMs < RECOVERY_MS_MAX) {
    const { ok } = await until(
      async () => viewOf(await fleet.views(false), "near")?.standing,
      (standing) => standing === "admitting",
      RECOVERY_MS_MAX - (performance.now() - startedAtMs),
    );
    if (!ok) break;
    if (inARow === 0) backAfterMs = performance.now() - startedAtMs;
    const { endpointId, status, attempts } = await request(stage, NEW_YORK, { maxTokens: SHORT_TOKENS });
    inARow = endpointId === near.id && status === 200 && attempts === 1 ? inARow + 1 : 0;
  }
  const isBack = inARow === RECOVERED_REQUESTS;
  const how = isBack
    ? `requests go to ${near.id} again, ${seconds(backAfterMs)} after it listened`
    : `requests did not go to ${near.id} within ${seconds(RECOVERY_MS_MAX)}`;
  check(stage, isBack, `recovery -> near: ${how}`);
  const errors = answers.slice(before).filter(({ status }) => status !== 200).length;
  if (errors > 0) check(stage, false, `${errors} clients saw an error during the recovery`);
  await checkColdUntouched(stage, "cold not chosen in all this");
}
