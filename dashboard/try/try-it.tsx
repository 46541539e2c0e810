/**
 * "Try it": a request of the reader's own, answered by the fleet as anybody's is, with the route that it took beside the
 * answer, and the code that sends the same.
 */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Section } from "../parts/section.tsx";
import { csrfHeaders } from "../session/api-call.ts";
import { store } from "../store/page-store.ts";
import { Answer } from "./answer.tsx";
import { Code } from "./code-box.tsx";
import type { TryRequest } from "./code.ts";
import { loadModels, models } from "./models.ts";
import { IDLE_TRY, runTry, type TryState } from "./run.ts";

/** Enough to see a stream flow, and few enough that a slip costs little. */
const MAX_TOKENS = 128;
const PROMPT_CHARS_MAX = 8_000;

const chosen = signal<string | null>(null);
const prompt = signal("Say in one sentence why the sky is blue.");
const stream = signal(true);
const state = signal<TryState>(IDLE_TRY);

export function TryIt() {
  const abort = useRef<AbortController | null>(null);
  useEffect(() => void loadModels(), []);
  const known = models.value ?? poolsOf();
  const model = chosen.value ?? known[0] ?? "";
  const request: TryRequest = {
    origin: location.origin,
    model,
    prompt: prompt.value,
    stream: stream.value,
    maxTokens: MAX_TOKENS,
  };
  const running = state.value.phase === "waiting" || state.value.phase === "answering";
  const send = (event: Event): void => {
    event.preventDefault();
    if (running || model === "") return;
    const controller = new AbortController();
    abort.current = controller;
    const ports = {
      fetch: async (path: string, init: RequestInit) => fetch(path, init),
      headers: csrfHeaders,
      now: () => performance.now(),
    };
    void runTry(request, controller.signal, ports, (next) => {
      if (abort.current === controller) state.value = next;
    });
  };
  return (
    <Section
      id="try"
      title="Try it"
      note="A real request with the key that is signed in. Nothing of it is kept by this page."
    >
      <div class="try">
        <form class="try-form" onSubmit={send}>
          <label for="try-model">Model</label>
          <select id="try-model" value={model} onChange={({ currentTarget }) => (chosen.value = currentTarget.value)}>
            {known.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
          <label for="try-prompt">Prompt</label>
          <textarea
            id="try-prompt"
            rows={5}
            maxLength={PROMPT_CHARS_MAX}
            value={prompt.value}
            onInput={({ currentTarget }) => (prompt.value = currentTarget.value)}
          />
          <label class="inline-field">
            <input
              type="checkbox"
              checked={stream.value}
              onChange={({ currentTarget }) => (stream.value = currentTarget.checked)}
            />
            Stream the answer
          </label>
          <div class="fields">
            <button type="submit" class="button button-main" disabled={running || model === ""}>
              {running ? "Sending …" : "Send"}
            </button>
            <button type="button" class="button" disabled={!running} onClick={() => abort.current?.abort()}>
              Stop
            </button>
          </div>
        </form>
        <Answer state={state.value} />
        <Code request={request} />
      </div>
    </Section>
  );
}

/** Where the router does not list models, a pool's own name serves. */
function poolsOf(): readonly string[] {
  const pools = new Set((store.frame.value?.fleet ?? []).map(({ pool }) => pool));
  return [...pools].toSorted();
}
