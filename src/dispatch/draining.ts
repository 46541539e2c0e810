/**
 * How a self-hosted router ends: it takes nothing new, what is open goes on for a while, and then it is told that it is
 * cut.
 *
 * Model. What is open is a guest of the isolate, which on raw workerd is the whole router, Durable Objects included. A
 * guest hears of its cut in its own request: a promise that another request resolves goes on where it was awaited, and
 * so no stream or body is touched from outside. Nothing here is used on Cloudflare, where the platform ends isolates.
 * Rejected: a proxy in front that holds the connections, a cost on every byte for what happens once.
 */

/** After the cut, time for the last words to be written, ms. */
const LAST_WORDS_MS = 2_000;

type Guest = { readonly cut: () => void; readonly isWaitedFor: boolean };

const guests = new Set<Guest>();
let state: "open" | "draining" | "cut" = "open";
/** Tells whoever waits that a guest has left. */
let left: () => void = () => undefined;

/** Nothing new is taken. */
export const isDraining = (): boolean => state !== "open";
/** What is open now ends. */
export const isCut = (): boolean => state === "cut";

/**
 * From now on this is open; `cut` is called when its time is over. Returns what says that it has ended. `isWaitedFor`:
 * false for what waits itself, and would hold up the end for nothing.
 */
export function enter(cut: () => void, isWaitedFor = true): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  void promise.then(cut);
  const guest = { cut: resolve, isWaitedFor };
  guests.add(guest);
  if (isCut()) resolve();
  return () => {
    guests.delete(guest);
    left();
  };
}

/** What the work comes to, or null when its time is over before. */
export async function untilCut<Value>(work: Promise<Value>, isWaitedFor: boolean): Promise<Value | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const leave = enter(() => resolve(null), isWaitedFor);
  try {
    return await Promise.race([work, promise]);
  } finally {
    leave();
  }
}

/** From now on nothing new is taken. */
export function beginDrain(): void {
  if (state === "open") state = "draining";
}

/** Resolves when all have left, or have been cut after `graceMs`; to how many were. */
export async function drain(graceMs: number): Promise<number> {
  beginDrain();
  const isOver = await allLeft(() => [...guests].every(({ isWaitedFor }) => !isWaitedFor), graceMs);
  state = "cut";
  const cut = isOver ? 0 : [...guests].filter(({ isWaitedFor }) => isWaitedFor).length;
  for (const guest of guests) guest.cut();
  await allLeft(() => guests.size === 0, LAST_WORDS_MS);
  return cut;
}

async function allLeft(isEmpty: () => boolean, withinMs: number): Promise<boolean> {
  if (isEmpty()) return true;
  const { promise, resolve } = Promise.withResolvers<void>();
  left = () => {
    if (isEmpty()) resolve();
  };
  const bound = new AbortController();
  const tooLate = scheduler.wait(withinMs, { signal: bound.signal }).catch(() => undefined);
  await Promise.race([promise, tooLate]);
  bound.abort();
  return isEmpty();
}
