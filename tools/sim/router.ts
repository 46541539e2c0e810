/**
 * The port that every router fills: a reference policy, a baseline, or the production core with its shards and leases.
 *
 * Model. Event driven. The world calls the router when something is known where requests are dispatched; the router
 * answers by calling the world: `dispatch`, `shed`, `fail`, `cancel`, `timer`, `send`, `wakeUp`. A request that it does
 * neither with is held, and it is the router's to remember. Everything is an integer (a request, an attempt, an endpoint,
 * a region), so that a run allocates little; a router with richer messages keeps them in a `Mailbox`.
 * Rejected: `pick(request): endpoint` as the port, which can neither hold a request nor be late.
 */
import type { World } from "./world.ts";

export type Router = {
  /** A request reached the edge of its client's region. */
  arrive(request: number): void;
  /** The headers of an attempt's answer are there: its endpoint has taken it. Never after its first token. */
  onHeaders?(attempt: number): void;
  /** The first token of an attempt is at the edge that dispatched it. */
  onFirstToken?(attempt: number): void;
  /** The end of its answer is there. */
  onEnd?(attempt: number): void;
  /** It failed, as that edge learns it. The request has no outcome yet, unless the reason is `broken`. */
  onFailure?(attempt: number, reason: FailureReason): void;
  /** A timer of this router. */
  onTimer?(tag: number, value: number): void;
  /** A message that this router sent reached `region`. */
  onMessage?(region: number, value: number): void;
  /** The endpoint's slot is free again, told at once and without a trip: only for bounds and what-if routers. */
  onRelease?(endpoint: number): void;
  /** The state that the router keeps in `region` is lost. */
  onEvict?(region: number): void;
};

/** Makes a router for one run; called once the world is complete and before the first event. */
export type RouterFactory = (world: World) => Router;

/** `refused`: not accepted. `reset`: lost before the first token. `broken`: lost after it. `full`: no capacity. */
export type FailureReason = "refused" | "reset" | "broken" | "full" | "error";

/** Order of the reasons in an event. */
export const FAILURE_REASONS: readonly FailureReason[] = ["refused", "reset", "broken", "full", "error"];

/** Parks values behind integers, for events that carry only those. */
export class Mailbox<Message> {
  readonly #parked = new Map<number, Message>();
  #next = 0;

  /** The integer to send. */
  park(message: Message): number {
    const ticket = this.#next;
    // Events are 32-bit; no run has two thousand million messages on their way.
    this.#next = (this.#next + 1) & 0x7fffffff;
    this.#parked.set(ticket, message);
    return ticket;
  }

  /** The message, once. */
  take(ticket: number): Message | undefined {
    const message = this.#parked.get(ticket);
    this.#parked.delete(ticket);
    return message;
  }
}
