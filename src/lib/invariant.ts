/**
 * Throws when `condition` is false. For bugs only: what a caller or the network can cause is a value, never a throw.
 */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}

/** Ends every `switch` over a union, so that a new member fails to compile until it is handled. */
export function assertNever(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
