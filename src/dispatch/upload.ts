/**
 * A body that is sent on while its client still sends it.
 *
 * Model. What came before the endpoint was known is held, and can be sent as often as it takes. From the first byte behind it
 * on nobody can send the request again: then an attempt that is lost is the last (`losses.ts`).
 */
export type Upload = {
  /** For one attempt: `head` in the place of what is held, then the rest. */
  readonly body: (head: Uint8Array) => ReadableStream<Uint8Array>;
  /** More than is held was taken. */
  readonly isSpent: () => boolean;
  /** It is the client's turn. */
  readonly waitsForClient: () => boolean;
};
