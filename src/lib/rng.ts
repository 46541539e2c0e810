/** A uniform draw in [0, 1). The core never makes randomness: the shell passes `Math.random`, a test passes a seed. */
export type Rng = () => number;

/**
 * Seeded generator (mulberry32, public domain by T. Ettinger): one 32-bit word of state, period 2^32, enough for
 * simulations and tests, not for secrets.
 */
export function seededRng(seed: number): Rng {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
