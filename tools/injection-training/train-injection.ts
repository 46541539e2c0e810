/**
 * `npm run train:injection -- --data DIR --out FILE [--background DIR]… [--seed 1] [--size 24000] [--folds 5]`: trains
 * the model of the injection rail and writes its weights as a TypeScript file.
 *
 * Model. Training text is what `injection-synthesis.ts` makes, the labelled sets of `--data`, and documents below
 * `--background`. Of a set that has only harmless rows every second one is held out for good; a set with attacks is
 * measured by cross-validation over groups and then used as a whole. The figures of the report are all of texts that
 * the measured model has not seen. Same seed, same input, same bytes.
 * Rejected: choosing the threshold from the report, which fits it to a few hundred rows.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Origin } from "../../src/rails/detectors/injection/injection-model.ts";
import { packedBytes } from "../../src/rails/detectors/injection/injection-pack.ts";
import { seededRng } from "../../src/lib/rng.ts";
import { itemOf, learn, worstWindow } from "./injection-learn.ts";
import type { Item, Learned, LearnOptions } from "./injection-learn.ts";
import { groupsOf, readBackground, readSets } from "./injection-sets.ts";
import { heldOutTexts, plantedIn, synthesise } from "./injection-synthesis.ts";
import type { Example } from "./injection-synthesis.ts";

const USAGE =
  "usage: npm run train:injection -- --data DIR --out FILE [--background DIR] [--seed 1] [--size 24000] [--folds 5]\n";

/**
 * Log odds of the learned model at which a text is blocked, and which the written model has at 0: above it lies one in
 * two hundred prompts and one in five hundred files that were held out (docs/explanation/injection-model.md).
 */
export const THRESHOLD_ODDS = 0.75;

/** Weights that round to zero are left out; the finer the step, the more bytes. Chosen where recall stops to grow. */
const WEIGHT_STEP = 0.03;

const TRAINING: Omit<LearnOptions, "rng"> = {
  epochs: 8,
  rate: 0.15,
  sparsity: 8,
  decay: 1,
  // The sets are real, and few beside what is synthesised; so are the documents. Languages have few lines each.
  setWeights: { synthetic: 1, languages: 2, background: 2 },
  setWeightOtherwise: 4,
  benignWeight: 3,
  hardOdds: -1.5,
  hardMax: 6000,
};

/** What tools bring differs in little: few epochs, and only features that pull hard. */
const TOOL_TRAINING = { epochs: 4, sparsity: 16 };

/** Texts that are asked for, for each order that is planted in a document. */
const PLANTED_EVERY = 4;

export type TrainArgs = {
  readonly data: string;
  readonly background: readonly string[];
  readonly seed: number;
  readonly size: number;
  readonly folds: number;
};

export type Trained = { readonly file: string; readonly report: string };

type Measured = { readonly set: string; readonly label: 0 | 1; readonly odds: number };

export function train(args: TrainArgs): Trained {
  const rng = seededRng(args.seed);
  const pieces = readBackground(args.background, rng);
  const sets = readSets(args.data);
  const withAttacks = new Set(sets.filter(({ label }) => label === 1).map(({ set }) => set));
  const harmless = sets.filter(({ set }) => !withAttacks.has(set));
  const made = (origin: Origin): Example[] => [
    ...synthesise(rng, args.size, origin),
    ...(pieces.length === 0 ? [] : plantedIn(pieces, rng, Math.ceil(args.size / PLANTED_EVERY))),
  ];
  const asMade = (example: Example): Item =>
    itemOf({ ...example, set: example.set === "languages" ? example.set : "synthetic" });
  const common = harmless.filter((_, index) => index % 2 === 0).map(itemOf);
  const sources = {
    base: [...made("user").map(asMade), ...common],
    labelled: sets.filter(({ set }) => withAttacks.has(set)),
    pool: pieces.map(itemOf),
  };
  const user = learnFrom([...sources.base, ...sources.labelled.map(itemOf)], sources.pool, args.seed);
  const options = { ...TRAINING, ...TOOL_TRAINING, rng: seededRng(args.seed) };
  const tool = learn([...made("tool").map(asMade), ...common], sources.pool, options, user);
  const heldOut = harmless.filter((_, index) => index % 2 === 1);
  const measured = [
    ...crossValidate(sources, args),
    ...[...heldOut, ...heldOutTexts()].map((example) => measure(itemOf(example), user)),
  ];
  return { file: fileOf({ user, tool }, args), report: reportOf(measured, args) };
}

function learnFrom(items: readonly Item[], pool: readonly Item[], seed: number): Learned {
  return learn(items, pool, { ...TRAINING, rng: seededRng(seed) });
}

type Sources = {
  readonly base: readonly Item[];
  readonly labelled: readonly Example[];
  readonly pool: readonly Item[];
};

function crossValidate({ base, labelled, pool }: Sources, { folds, seed }: TrainArgs): Measured[] {
  const groups = groupsOf(labelled);
  const items = labelled.map(itemOf);
  const rng = seededRng(seed);
  const foldOf = new Map<number, number>();
  for (const group of groups) if (!foldOf.has(group)) foldOf.set(group, Math.floor(rng() * folds));
  return Array.from({ length: folds }, (_, fold) => fold).flatMap((fold) => {
    const isTested = (index: number): boolean => foldOf.get(groups[index] ?? 0) === fold;
    const model = learnFrom([...base, ...items.filter((_, index) => !isTested(index))], pool, seed);
    return items.filter((_, index) => isTested(index)).map((item) => measure(item, model));
  });
}

function measure({ chunks, set, label }: Item, model: Learned): Measured {
  return { set, label, odds: worstWindow(chunks, model).odds };
}

function reportOf(measured: readonly Measured[], { folds }: TrainArgs): string {
  const lines = [...new Set(measured.map(({ set }) => set))].flatMap((set) =>
    ([1, 0] as const).flatMap((label) => {
      const rows = measured.filter((row) => row.set === set && row.label === label);
      const found = rows.filter(({ odds }) => odds >= THRESHOLD_ODDS).length;
      const what = label === 1 ? "found" : "false alarms";
      return rows.length === 0 ? [] : [`${set}: ${what} ${found} of ${rows.length} (${wilson(found, rows.length)})`];
    }),
  );
  return [`unseen rows, by ${folds} folds or held out:`, ...lines, ""].join("\n");
}

/** 95 % Wilson interval, in percent. */
function wilson(hits: number, count: number): string {
  const z = 1.96;
  const share = hits / count;
  const centre = share + (z * z) / (2 * count);
  const spread = z * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count));
  const bound = (value: number): string => ((100 * value) / (1 + (z * z) / count)).toFixed(1);
  return `${bound(Math.max(0, centre - spread))}-${bound(centre + spread)} %`;
}

type Written = { readonly user: Learned; readonly tool: Learned };

function fileOf({ user, tool }: Written, { seed, size }: TrainArgs): string {
  const steps = stepsOf(user.weights);
  const more = stepsOf(tool.weights).map((step, feature) => step - (steps[feature] ?? 0));
  const weights = (
    name: string,
    { bias }: Learned,
    table: Int8Array,
  ): string => `export const ${name}: PackedWeights = {
  scale: ${WEIGHT_STEP},
  bias: ${(bias - THRESHOLD_ODDS).toFixed(4)},
  base64:
    "${Buffer.from(packedBytes(table)).toString("base64")}",
};
`;
  return `/**
 * The weights of the injection model. Generated by \`npm run train:injection\` (seed ${seed}, size ${size}): do not
 * edit. What they were learned from, and how well they do, is in docs/explanation/injection-model.md.
 */
import type { PackedWeights } from "./injection-pack.ts";

${weights("INJECTION_WEIGHTS", user, steps)}
/** Of what a tool has brought: what is added to the weights above. */
${weights("TOOL_WEIGHTS", tool, more)}`;
}

/** Weights of one step are left out too: a third of the file for nothing that shows. */
function stepsOf(weights: Float64Array): Int8Array {
  return Int8Array.from(weights, (weight) => {
    const step = Math.max(-127, Math.min(127, Math.round(weight / WEIGHT_STEP)));
    return Math.abs(step) < 2 ? 0 : step;
  });
}

/** The arguments, or what is wrong with them. */
function readArgs(args: readonly string[]): (TrainArgs & { readonly out: string }) | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        data: { type: "string" },
        out: { type: "string" },
        background: { type: "string", multiple: true, default: [] },
        seed: { type: "string", default: "1" },
        size: { type: "string", default: "24000" },
        folds: { type: "string", default: "5" },
      },
    });
    const { data, out, background } = values;
    if (data === undefined || out === undefined) return "--data and --out are needed";
    const [seed, size, folds] = [values.seed, values.size, values.folds].map(Number);
    if (!isWhole(seed, 0) || !isWhole(size, 1) || !isWhole(folds, 0))
      return "--seed, --size and --folds are whole numbers";
    return { data, out, background, seed, size, folds };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function isWhole(value: number | undefined, min: number): value is number {
  return value !== undefined && Number.isInteger(value) && value >= min;
}

/** Returns the exit code; `say` gets what a person reads. */
export function trainCommand(args: readonly string[], say: (text: string) => void): 0 | 1 {
  const parsed = readArgs(args);
  if (typeof parsed === "string") {
    say(`${parsed}\n${USAGE}`);
    return 1;
  }
  const { file, report } = train(parsed);
  writeFileSync(parsed.out, file);
  say(`${report}${readFileSync(parsed.out).length} bytes in ${parsed.out}\n`);
  return 0;
}

if (import.meta.main) process.exitCode = trainCommand(process.argv.slice(2), (text) => process.stdout.write(text));
