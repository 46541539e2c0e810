/** The Worker with a queue whose alarm throws the first ten times, for an experiment on raw workerd. */
import { JobQueue as SoundQueue } from "../../src/jobs/object/job-queue.ts";

// oxlint-disable-next-line import/no-default-export -- workerd takes the Worker's handler from the entry's default export
export { default } from "../../src/worker.ts";
// oxlint-disable-next-line -- every other object is as it ships; the class below stands in for one of them
export * from "../../src/worker.ts";

const THROWS = 10;
let thrown = 0;

export class JobQueue extends SoundQueue {
  override async alarm(): Promise<void> {
    if (thrown < THROWS) {
      thrown += 1;
      throw new Error("an alarm of an experiment");
    }
    return super.alarm();
  }
}
