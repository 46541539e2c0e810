/** Time, as a shell of the house sees it: the platform's, or the simulator's. */
export type Clock = {
  readonly now: () => number;
  /** Calls `fn` once, after `ms`, unless the memory is lost before, or `cancel`, which it returns, is called. */
  readonly after: (ms: number, fn: () => void) => Cancel;
};

/** Does nothing when it is too late. */
type Cancel = () => void;

export const waited = async ({ after }: Clock, ms: number): Promise<void> =>
  new Promise((resolve) => void after(ms, resolve));

/** The value, or null after `ms`. Rejects as `work` does, in time. */
export async function within<Value>({ after }: Clock, ms: number, work: Promise<Value>): Promise<Value | null> {
  let cancel: Cancel = () => undefined;
  const tooLong = new Promise<null>((resolve) => {
    cancel = after(ms, () => resolve(null));
  });
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    cancel();
  }
}
