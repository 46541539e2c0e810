/**
 * Lets the output rails see a stream of events while its bytes stay native.
 *
 * Model. Each piece of text passes the rails (`dispatch/text-rewriter.ts`). Ends, cuts and clients that leave are the
 * relay's, as without rails (`relay.ts`).
 */
import { RailFailed } from "./core/stream/stream-guard.ts";
import type { Pushed, StreamRails } from "./core/stream/stream-rails.ts";
import type { StreamBlock } from "./core/stream/stream-text.ts";
import { rewriteText } from "../dispatch/text-rewriter.ts";
import type { TextRun } from "../translate/core/told.ts";
import { midStreamError } from "../wire/error-body.ts";

export type StreamRun = {
  readonly rails: StreamRails;
  /** What changes the text behind them; null: nothing. */
  readonly behind: TextRun | null;
  /** Called once when the first text is there. */
  began(): void;
  /** Called once when the answer is to go no further. `blocked`: what ended it; null: a rail that broke. */
  stop(blocked: StreamBlock | null): void;
  /** Called once when nothing more comes. `blocked`: what ended the answer. */
  ended(blocked: StreamBlock | null): void;
};

/** The stream for the client. `body` begins with STREAM_OPENING (`dispatch/text-rewriter.ts`). */
export function rewriteStream(body: ReadableStream<Uint8Array>, run: StreamRun): ReadableStream<Uint8Array> | null {
  let isOver = false;
  let hasBegun = false;
  let blocked: StreamBlock | null = null;
  const look = (step: () => Pushed): string => {
    if (isOver) return "";
    const { out, isLast } = shown(step);
    if (isLast !== null) {
      isOver = true;
      blocked = isLast.blocked;
      run.stop(blocked);
    }
    return out;
  };
  return rewriteText(body, {
    push(text) {
      const out = look(() => run.rails.push(text));
      if (!hasBegun && run.rails.hasText()) {
        hasBegun = true;
        run.began();
      }
      return run.behind?.push(out) ?? out;
    },
    end() {
      const out = look(() => run.rails.end());
      run.ended(blocked);
      return ended(run, out);
    },
  });
}

/** The same for a stream that is there as a whole. */
export function rewriteWhole(text: string, run: StreamRun): string {
  const first = shown(() => run.rails.push(text));
  const last = first.isLast === null ? shown(() => run.rails.end()) : null;
  const ending = first.isLast ?? last?.isLast ?? null;
  if (ending !== null) run.stop(ending.blocked);
  run.ended(ending?.blocked ?? null);
  return ended(run, first.out + (last?.out ?? ""));
}

/** The last of the text. */
const ended = ({ behind }: StreamRun, out: string): string => (behind === null ? out : behind.push(out) + behind.end());

type Shown = { readonly out: string; readonly isLast: { readonly blocked: StreamBlock | null } | null };

function shown(step: () => Pushed): Shown {
  try {
    const { out, blocked } = step();
    return { out, isLast: blocked === null ? null : { blocked } };
  } catch (error) {
    // What was held is lost with the rail that should have seen it.
    if (!(error instanceof RailFailed)) console.error("the output rails failed", error);
    return { out: midStreamError("guardrail_unavailable"), isLast: { blocked: null } };
  }
}
