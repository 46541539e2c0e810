/**
 * The act in which a cold endpoint is woken by demand, and nobody waits for it.
 *
 * Clients beside it ask on and on until it is warm and serves some of them. That no request reached it too early is
 * proved by counts alone: in this fleet a cold or warming endpoint refuses a request at once (`simulatorFlags`),
 * and the router would take it elsewhere; so the requests that the endpoint has counted are the answers that
 * clients got from it, or one came too early. Rejected: looking at the endpoint every few ms, which cannot tell
 * what happened between two looks.
 */
import { type Answer, chat } from "./demo-client.ts";
import { COLD_START_EXPECTED_MS, COLD_START_MS, ENDPOINTS } from "./demo-fleet.ts";
import type { Column } from "./demo-print.ts";
import { check, ms, SHORT_TOKENS, type Stage, TOKYO } from "./demo-stage.ts";

/** Clients at once: more than the next best endpoint has slots, so that a router could be tempted. */
const RUSH_CLIENTS = 12;

/** Answers from the woken endpoint after which it counts as in use. */
const WOKEN_ANSWERS = 3;

/** The rush ends after this even so, ms: need, cold start and the router's next look take 5 s on an idle machine. */
const RUSH_MS_MAX = 30_000;

const RUSH_COLUMNS: readonly Column[] = [
  { title: `${ENDPOINTS.cold.id} is`, width: 12 },
  { title: "requests", width: -8 },
  { title: "slowest", width: -8 },
  { title: "went to", width: 1 },
];

/** Answers that were complete before the endpoint was warm, and those after. */
type Rush = { readonly before: readonly Answer[]; readonly after: readonly Answer[] };

export async function showRush(stage: Stage): Promise<void> {
  const { fleet, print } = stage;
  const { id } = ENDPOINTS.cold;
  print.heading(`6. A rush in Tokyo, where ${id} is still cold`);
  print.line(`  ${RUSH_CLIENTS} clients there ask at once, and again, until it serves some of them\n`);
  print.head(RUSH_COLUMNS);
  const { before, after } = await rush(stage);
  printPhase(stage, after.length === 0 ? "not warm" : "warm", after.length === 0 ? before : after);
  const [took, told] = [whole(COLD_START_MS), whole(COLD_START_EXPECTED_MS)];
  print.note(`(starting takes ${took} here, the router was told ${told}; once warm, it gets its slots one by one)`);
  const all = [...before, ...after];
  const { requests, pings } = await fleet.stats("cold");
  const served = all.filter(hasServed).length;
  const elsewhere = before.filter(({ status, endpointId }) => status === 200 && endpointId !== id).length;
  check(stage, pings === 1, `woken once: ${id} got ${counted(pings, "wake-up")} for ${counted(all.length, "request")}`);
  const meanwhile = `warm endpoints served ${elsewhere} of ${before.length} meanwhile`;
  check(stage, before.length > 0 && elsewhere === before.length, `nobody waited for its cold start: ${meanwhile}`);
  const reached = `${counted(requests, "request")} reached it, and it served ${served}`;
  check(stage, requests === served, `nothing came to it before it was warm: ${reached}`);
  check(stage, served >= WOKEN_ANSWERS, `warm, it takes traffic: ${served} of ${after.length} went to ${id}`);
  const errors = all.filter(({ status }) => status !== 200).length;
  check(stage, errors === 0, `${errors} of ${all.length} clients saw an error`);
}

/** Every client asks, looks at the endpoint, and asks again. */
async function rush(stage: Stage): Promise<Rush> {
  const { fleet } = stage;
  const giveUpAtMs = performance.now() + RUSH_MS_MAX;
  const before: Answer[] = [];
  const after: Answer[] = [];
  let isWarm = false;
  let served = 0;
  const askAgainAndAgain = async (): Promise<void> => {
    while (served < WOKEN_ANSWERS && performance.now() < giveUpAtMs) {
      const answer = await chat(fleet.client, { place: TOKYO.place, maxTokens: SHORT_TOKENS });
      if (hasServed(answer)) served += 1;
      const { state } = await fleet.stats("cold");
      if (!isWarm && state === "warm") printPhase(stage, "not warm", before);
      isWarm ||= state === "warm";
      (isWarm ? after : before).push(answer);
    }
  };
  await Promise.all(Array.from({ length: RUSH_CLIENTS }, askAgainAndAgain));
  return { before, after };
}

function printPhase({ print }: Stage, phase: string, answers: readonly Answer[]): void {
  const counts = Map.groupBy(answers, ({ endpointId }) => endpointId ?? "nowhere");
  const places = [...counts].map(([endpointId, { length }]) => `${endpointId} ${length}`).sort();
  const slowestMs = Math.max(0, ...answers.map(({ totalMs }) => totalMs));
  print.row(RUSH_COLUMNS, [phase, String(answers.length), ms(slowestMs), places.join(", ")]);
}

const hasServed = ({ status, endpointId }: Answer): boolean => status === 200 && endpointId === ENDPOINTS.cold.id;

const whole = (value: number): string => `${value / 1000} s`;

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
