/** What a part of the page has asked the router for: on its way, there, or refused with a reason. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Answered } from "../session/api-call.ts";

export type Asked<Value> = {
  /** The last one that came; null: none yet. Stays while another is on its way. */
  readonly value: Value | null;
  readonly problem: string | null;
  readonly busy: boolean;
  readonly again: () => void;
};

/** Asks at once, whenever `key` changes, and when told. An answer that a later question has overtaken is dropped. */
export function useAsked<Value>(
  key: string,
  ask: () => Promise<Answered>,
  read: (value: unknown) => Value,
): Asked<Value> {
  const [state, setState] = useState<{
    readonly key: string;
    readonly value: Value | null;
    readonly problem: string | null;
  }>({ key, value: null, problem: null });
  const [busy, setBusy] = useState(true);
  const turn = useRef(0);
  const asking = async (): Promise<void> => {
    turn.current += 1;
    const own = turn.current;
    setBusy(true);
    const answer = await ask();
    if (own !== turn.current) return;
    setBusy(false);
    setState(
      answer.ok ? { key, value: read(answer.value), problem: null } : { key, value: null, problem: answer.message },
    );
  };
  useEffect(() => {
    void asking();
    return () => void (turn.current += 1);
  }, [key]);
  const isOfKey = state.key === key;
  return {
    value: isOfKey ? state.value : null,
    problem: isOfKey ? state.problem : null,
    busy,
    again: () => void asking(),
  };
}

/** The content, or in words why there is none. */
export function Shown<Value>({
  asked: { value, problem, again },
  empty,
  children,
}: {
  readonly asked: Asked<Value>;
  /** Said where there is nothing; null: there is something. */
  readonly empty: (value: Value) => string | null;
  readonly children: (value: Value) => ComponentChildren;
}) {
  if (problem !== null) {
    return (
      <p class="problem">
        {problem}{" "}
        <button type="button" class="button button-small" onClick={again}>
          Try again
        </button>
      </p>
    );
  }
  if (value === null) return <p class="empty">Loading …</p>;
  const nothing = empty(value);
  return nothing === null ? <>{children(value)}</> : <p class="empty">{nothing}</p>;
}
