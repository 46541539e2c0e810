/** Every experiment of `npm run chaos` in small: what may never happen, whatever the machine. Times are for the command. */
import { expect, test } from "vitest";
import { experiments } from "../chaos/experiments.ts";

const SEED = 20261130;

test.each(experiments(1).map((experiment) => [`${experiment.id}, ${experiment.what}`, experiment] as const))(
  "%s",
  async (_, experiment) => {
    const { broken, measured } = await experiment.run({ short: true, seed: SEED });
    expect(broken, `${measured}; npm run chaos -- --only ${experiment.id} --short --seed ${SEED}`).toEqual([]);
  },
);
