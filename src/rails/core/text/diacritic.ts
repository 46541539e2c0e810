/**
 * The blocks of combining marks that belong to no script: accents, and what is drawn through, over or under letters.
 */
export function isDiacritic(unit: number): boolean {
  if (unit < 0x0300) return false;
  return (
    unit <= 0x036f ||
    (unit >= 0x1ab0 && unit <= 0x1aff) ||
    (unit >= 0x1dc0 && unit <= 0x1dff) ||
    (unit >= 0x20d0 && unit <= 0x20ff) ||
    (unit >= 0xfe20 && unit <= 0xfe2f)
  );
}
