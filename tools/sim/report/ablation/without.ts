/** The mark in a module's address that says which part its copy of the core is without. */
export const WITHOUT = "without";

/** The part that the module at this address is without; null for the real one. */
export function withoutOf(url: string): string | null {
  const at = url.indexOf(`?${WITHOUT}=`);
  return at < 0 ? null : url.slice(at + WITHOUT.length + 2);
}
