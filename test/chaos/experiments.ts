/** Every experiment, in the order of their ids. */
import type { Experiment } from "./experiment.ts";
import { rollingDeploy, slowloris, smuggling } from "./experiments/doors.ts";
import { allHangUp, allRefuse, flapping, instantErrors, resets, rush, stragglers } from "./experiments/failures.ts";
import { failingReceivers, killedQueue, throwingAlarms } from "./experiments/jobs.ts";
import { flood, soak } from "./experiments/load.ts";
import { brokenShards, evictions } from "./experiments/objects.ts";
import { failingRails, manyRails } from "./experiments/rails.ts";
import { slowReaders } from "./experiments/slow-readers.ts";
import { cutStreams, framedTexts, leavingClients } from "./experiments/streams.ts";

/** `minutes`: how long the soak lasts. */
export const experiments = (minutes: number): readonly Experiment[] => [
  cutStreams,
  resets,
  leavingClients,
  evictions,
  brokenShards,
  instantErrors,
  flapping,
  allRefuse,
  allHangUp,
  rush,
  stragglers,
  killedQueue,
  throwingAlarms,
  failingReceivers,
  framedTexts,
  slowReaders,
  slowloris,
  smuggling,
  failingRails,
  manyRails,
  flood,
  soak(minutes),
  rollingDeploy,
];
