/**
 * What the rewriter of streams has to know of a protocol: where in an event the text is, what an event ends, and how a
 * blocked stream ends. One implementation for each protocol; none of them looks at what the text says.
 */
import type { AnswerSite } from "./answer-sites.ts";
import type { Json, OutEvent } from "./stream-events.ts";

/** One piece of generated text in an event. */
export type TextSite = {
  /** Pieces of one channel make one text. */
  readonly channel: string;
  /** Texts of one group end together: a choice, a content block. */
  readonly group: string;
  /** Reasoning, content or tool calls. When a group goes on with another kind, the text of the one before has ended. */
  readonly kind: string;
  readonly isArguments: boolean;
  readonly holder: Json;
  readonly member: string;
  /** Holders of the member `logprobs` or of token ids, which repeat the text. */
  readonly repeats: readonly Json[];
  /** An event that carries other text of the same channel and nothing else. */
  carry(text: string): OutEvent;
};

export type Reading = {
  readonly sites: readonly TextSite[];
  /** Groups that this event ends; "all" when it ends the answer. */
  readonly ends: readonly string[] | "all";
  /** Whole texts that were already sent in pieces, and come once more. */
  readonly copies: readonly AnswerSite[];
};

export type StreamFormat = {
  /** Where the text of an event is. Changes nothing. */
  read(event: Json): Reading;
  /** Remembers what `closing` will need. `isShown`: false of the event that the closing stands in place of. */
  note(event: Json, isShown: boolean): void;
  /** The events that end a blocked stream as the protocol's clients expect. */
  closing(): readonly OutEvent[];
  /** `data: [DONE]` ends the stream. */
  readonly hasDoneMarker: boolean;
};

export const NOTHING_READ: Reading = { sites: [], ends: [], copies: [] };
