/**
 * The one alarm of the feed, for all who want to be woken: it stands at the earliest of their instants.
 *
 * After a start nobody has said yet what it wants, and the alarm that is stored is somebody's: it counts until it comes.
 */

export type Wanter = "watch" | "alerts";

export class FeedAlarm {
  readonly #storage: Pick<DurableObjectStorage, "getAlarm" | "setAlarm" | "deleteAlarm">;
  readonly #wants = new Map<Wanter | "stored", number>();
  #isKnown = false;
  #atMs: number | null = null;

  constructor(storage: Pick<DurableObjectStorage, "getAlarm" | "setAlarm" | "deleteAlarm">) {
    this.#storage = storage;
  }

  /** Null: it need not be woken. */
  async want(who: Wanter, atMs: number | null): Promise<void> {
    if (atMs === null) this.#wants.delete(who);
    else this.#wants.set(who, atMs);
    if (!this.#isKnown) {
      this.#isKnown = true;
      this.#atMs = await this.#storage.getAlarm();
      if (this.#atMs !== null) this.#wants.set("stored", this.#atMs);
    }
    await this.#stand();
  }

  /** It has come: whoever wanted it by now says anew what it wants. */
  async fired(now: number): Promise<void> {
    this.#isKnown = true;
    this.#atMs = null;
    for (const [who, atMs] of this.#wants) if (atMs <= now || who === "stored") this.#wants.delete(who);
    await this.#stand();
  }

  async #stand(): Promise<void> {
    const next = this.#wants.size === 0 ? null : Math.min(...this.#wants.values());
    if (next === this.#atMs) return;
    this.#atMs = next;
    if (next === null) await this.#storage.deleteAlarm();
    else await this.#storage.setAlarm(next, { allowUnconfirmed: true });
  }
}
