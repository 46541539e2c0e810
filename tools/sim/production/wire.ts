/**
 * Calls between an edge and a shard, or between two shards, over the world's network.
 *
 * Model. A call is a message there and a message back, each half a round trip with the world's jitter. A lost message
 * shows to the caller as a failed call after CALL_FAILS_MS, as a broken connection does. A message to a shard may
 * arrive twice; the answer to the second is nobody's. Whether a message is lost is known when it is sent, and used for
 * nothing but the failure that its sender will see.
 */
import type { Rng } from "../../../src/lib/rng.ts";
import { stream } from "../chance.ts";
import { Mailbox } from "../router.ts";
import type { World } from "../world.ts";
import { DOUBLED_MS } from "./options.ts";

/** A caller learns this late that its call is lost, ms. */
const CALL_FAILS_MS = 1_000;

/** Timers of this router carry this tag. */
export const WIRE_TAG = 1;

/** From a region to a region. */
export type Route = { readonly from: number; readonly to: number };

export type Call<Reply> = {
  /** At the callee; answers by calling `reply` once, now or later, or `fail`. */
  readonly serve: (reply: (answer: Reply) => void, fail: () => void) => void;
  readonly onReply: (answer: Reply) => void;
  readonly onFail: () => void;
  /** May the message there arrive twice; default no. */
  readonly doubles?: boolean;
};

export class Wire {
  /** Messages that never arrived. */
  lost = 0;
  readonly #world: World;
  readonly #mail = new Mailbox<() => void>();
  readonly #rng: Rng;
  readonly #doubledShare: number;

  constructor(world: World, doubledShare: number) {
    this.#world = world;
    this.#doubledShare = doubledShare;
    this.#rng = stream(world.seed, "wire");
  }

  get nowMs(): number {
    return this.#world.nowMs;
  }

  call<Reply>({ from, to }: Route, { serve, onReply, onFail, doubles = false }: Call<Reply>): void {
    const fails = (): void => void this.later(CALL_FAILS_MS, onFail);
    const reply = (answer: Reply): void => {
      if (!this.#send(to, from, () => onReply(answer))) fails();
    };
    if (!this.#send(from, to, () => serve(reply, () => this.#send(to, from, onFail) || fails()))) fails();
    if (doubles && this.#doubledShare > 0 && this.#rng() < this.#doubledShare) {
      const again = (): void => serve(nobody, nobody);
      this.later(this.#world.network.roundTripMs(from, to) / 2 + this.#rng() * DOUBLED_MS, again);
    }
  }

  /** Returns what takes it back. */
  later(delayMs: number, run: () => void): () => void {
    const ticket = this.#mail.park(run);
    this.#world.timer(delayMs, WIRE_TAG, ticket);
    return () => this.#mail.take(ticket);
  }

  /** A timer or a message of this wire is due. */
  deliver(ticket: number): void {
    this.#mail.take(ticket)?.();
  }

  #send(from: number, to: number, deliver: () => void): boolean {
    const ticket = this.#mail.park(deliver);
    if (this.#world.send(from, to, ticket)) return true;
    this.#mail.take(ticket);
    this.lost += 1;
    return false;
  }
}

const nobody = (): void => undefined;
