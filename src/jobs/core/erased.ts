/** What a queue says of an erasure: how much of a tenant it had, and whether that is off its disk as well. */

export type Erased = {
  readonly jobs: number;
  readonly chunks: number;
  readonly webhooks: number;
  /** Receivers that had answered 410. */
  readonly receivers: number;
  readonly batches: number;
  readonly drafts: number;
  readonly idempotencyKeys: number;
  /**
   * The queue's file was written anew. False: what was deleted lies in free pages until they are used again, or the
   * file is written anew; null: nothing here can do that (on Cloudflare), and the platform's storage has it until then.
   */
  readonly isScrubbed: boolean | null;
};
