/** What the router tells the process that keeps it (`serve`). */

/** What one endpoint answered when it was asked how it is. */
export type EndpointSeen = {
  readonly id: string;
  readonly region: string;
  readonly host: string;
  /** `silent`: no answer in time. `failed`: an answer that is none, or, without a status, no connection. */
  readonly answer: "ready" | "warming" | "cold" | "draining" | "failed" | "silent";
  /** Of its last answer; null: there was none. */
  readonly status: number | null;
  readonly ms: number;
  /** Name of the secret that is sent to it, or null. */
  readonly secret: string | null;
};
