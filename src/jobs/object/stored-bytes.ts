/**
 * How many bytes a queue keeps of each tenant, so that one cannot fill it for all.
 *
 * Model. A sum a tenant in memory, written with the totals; what a crash takes of it the walk after the start puts right,
 * which looks at every row (`maintenance.ts`). Until then a sum may be off by what happened in the seconds before.
 * What runs counts with its input alone: there are at most as many as slots.
 */

export class StoredBytes {
  #byTenant: Map<string, number>;
  /** What the walk has found so far, and how far it is; null: none is under way. */
  #walk: { readonly found: Map<string, number>; toId: string } | null = null;

  constructor(kept: Iterable<readonly [tenant: string, bytes: number]>) {
    this.#byTenant = new Map(kept);
  }

  of(tenant: string): number {
    return this.#byTenant.get(tenant) ?? 0;
  }

  entries(): readonly (readonly [string, number])[] {
    return [...this.#byTenant];
  }

  /** `jobId` has so many more, or less. */
  add(tenant: string, jobId: string, bytes: number): void {
    if (bytes === 0) return;
    addTo(this.#byTenant, tenant, bytes);
    // The walk has been there already.
    if (this.#walk !== null && jobId <= this.#walk.toId) addTo(this.#walk.found, tenant, bytes);
  }

  forget(tenant: string): void {
    this.#byTenant.delete(tenant);
    this.#walk?.found.delete(tenant);
  }

  /** What the next step of the walk has found, up to `toId`; null: that was the end. */
  walked(sums: Iterable<readonly [tenant: string, bytes: number]>, toId: string | null): void {
    this.#walk ??= { found: new Map(), toId: "" };
    for (const [tenant, bytes] of sums) addTo(this.#walk.found, tenant, bytes);
    if (toId !== null) this.#walk.toId = toId;
    else {
      this.#byTenant = this.#walk.found;
      this.#walk = null;
    }
  }
}

function addTo(sums: Map<string, number>, tenant: string, bytes: number): void {
  const sum = (sums.get(tenant) ?? 0) + bytes;
  if (sum > 0) sums.set(tenant, sum);
  else sums.delete(tenant);
}
