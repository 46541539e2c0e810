/** What came, as text, and the route that it took. */
import { Figure } from "../parts/figure.tsx";
import { formatCount, formatMs, inWords, UNKNOWN } from "../store/format.ts";
import type { TryRoute, TryState } from "./run.ts";

const SAID: Readonly<Record<TryState["phase"], string>> = {
  idle: "",
  waiting: "Waiting for the first token …",
  answering: "Answering …",
  done: "Answered.",
  stopped: "Stopped by you.",
  failed: "Failed.",
};

export function Answer({ state }: { readonly state: TryState }) {
  const { phase, text, leftOut, problem, route } = state;
  return (
    <div class="try-answer">
      <h3>Answer</h3>
      {/* Its beginning and its end are news; each token is not. */}
      <p class="try-phase" role="status">
        {SAID[phase]} {problem ?? ""}
      </p>
      {phase === "idle" ? (
        <p class="empty">Send a prompt, and the answer and its route are here.</p>
      ) : (
        <div
          class="try-text"
          tabIndex={0}
          role="region"
          aria-label="Text of the answer"
          aria-busy={phase === "answering"}
        >
          {text}
          {leftOut > 0 && <span class="unknown">{` … and ${formatCount(leftOut)} characters more`}</span>}
        </div>
      )}
      {route !== null && <Route route={route} state={state} />}
    </div>
  );
}

function Route({ route, state }: { readonly route: TryRoute; readonly state: TryState }) {
  const { endpoint, region, reason, attempts, overheadMs, requestId, rails, candidates } = route;
  const facts: readonly (readonly [name: string, text: string])[] = [
    ["Endpoint", endpoint ?? UNKNOWN],
    ["Region", region ?? UNKNOWN],
    ["Why", reason === null ? UNKNOWN : inWords(reason)],
    ["Attempts", attempts ?? UNKNOWN],
    ["Router's own time", overheadMs === null ? UNKNOWN : `${overheadMs} ms`],
    ["First text", formatMs(state.firstTextMs)],
    ["Whole answer", formatMs(state.totalMs)],
    ["Tokens", formatCount(state.tokensOut)],
    ["Status", formatCount(state.status)],
    ["Request", requestId ?? UNKNOWN],
  ];
  return (
    <>
      <dl class="facts">
        {facts.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Figure text={text} />
            </dd>
          </div>
        ))}
        {rails.map(({ rail, said, ms }) => (
          <div key={`rail ${rail}`}>
            <dt>Rail {rail}</dt>
            <dd>{`${inWords(said)}, ${ms} ms`}</dd>
          </div>
        ))}
      </dl>
      {candidates.length > 0 && (
        <div class="table-box" tabIndex={0} role="region" aria-label="Candidates of this request">
          <table class="table">
            <caption>Candidates, by expected time to the first token</caption>
            <thead>
              <tr>
                <th scope="col">Endpoint</th>
                <th scope="col">Region</th>
                <th scope="col" class="number">
                  Expected
                </th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {candidates.map(({ endpoint: id, region: where, ms, why }) => (
                <tr key={id} class={id === endpoint ? "chosen" : undefined}>
                  <th scope="row">{id}</th>
                  <td>{where}</td>
                  <td class="number">{formatMs(ms)}</td>
                  <td class="words">{inWords(why)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
