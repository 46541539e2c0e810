/**
 * The rest of an answer that has begun, and the exits by which it is taken.
 *
 * Model. What has begun holds a lease until its end. It is taken once: a second exit is a bug and throws. One that nobody
 * takes is discarded when its time is over (`attempt-watch.ts`), so that no lease outlives its limit whatever its owner forgets.
 * Rejected: to leave the settling to whoever reads the answer, as it was: 23 places, each of which could forget it.
 */
import { invariant } from "../lib/invariant.ts";
import type { AttemptOutcome } from "../routing/core/shard-messages.ts";
import { abandonAttempt, endAttempt } from "./attempt-end.ts";
import type { Attempt, OpenAnswer, Pump } from "./attempt.ts";
import { part } from "./part.ts";

/** What an attempt comes to whose connection broke: loaded with the first. */
const lostPart = part(async () => import("./attempt-lost.ts"));

export function openAnswer(attempt: Attempt): OpenAnswer {
  let isSpent = false;
  const take = (): void => {
    invariant(!isSpent, "an answer that has begun is taken once");
    isSpent = true;
    attempt.isTaken = true;
  };
  const over = async (outcome: AttemptOutcome): Promise<void> => {
    if (outcome === "cut") await (await lostPart()).noteBroken(attempt);
    if (outcome === "served") endAttempt(attempt, outcome);
    else abandonAttempt(attempt, outcome);
  };
  const through = async <Ended extends AttemptOutcome | null>(pump: Pump<Ended>): Promise<Ended> => {
    take();
    try {
      return await pump(attempt);
    } catch (error) {
      // A pump that throws has seen nothing to its end.
      await over("cut");
      throw error;
    }
  };
  return {
    async run(pump) {
      const outcome = await through(pump);
      await over(outcome);
      return outcome;
    },
    async part(pump) {
      const outcome = await through(pump);
      if (outcome !== null) await over(outcome);
      else attempt.isTaken = false;
      return outcome === null ? openAnswer(attempt) : null;
    },
    discard(outcome) {
      take();
      abandonAttempt(attempt, outcome);
    },
  };
}
