/** Bytes that look random and are the same in every run. */
export function noise(length: number, seed: number): Buffer {
  let state = (seed + 1) * 0x9e3779b1;
  return Buffer.from(
    Array.from({ length }, () => {
      state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5;
      return (state >>> 16) & 255;
    }),
  );
}
