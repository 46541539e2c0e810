/** Webhooks that could not be delivered, and what sends them once more. */
import { useState } from "preact/hooks";
import { Shown, useAsked } from "../lower/asked.tsx";
import { announce } from "../parts/announce.tsx";
import { askConfirm } from "../parts/confirm.tsx";
import { Figure } from "../parts/figure.tsx";
import { formatCount, inWords, UNKNOWN } from "../store/format.ts";
import { endedText, orderedAll } from "./ended.ts";
import { deadWebhooks, readDeadWebhooks, replayWebhooks } from "./jobs-api.ts";

export function DeadWebhooks({ pool }: { readonly pool: string }) {
  const asked = useAsked(pool, async () => deadWebhooks(pool), readDeadWebhooks);
  const [busy, setBusy] = useState(false);
  const replay = async (ids: readonly string[]): Promise<void> => {
    const yes = await askConfirm({
      title: ids.length === 1 ? "Send this webhook again?" : `Send ${ids.length} webhooks again?`,
      text: "The receiver gets the same message under the same id. One that has had it already can tell by the id.",
      action: "Send again",
    });
    if (!yes) return;
    setBusy(true);
    const ended = await orderedAll(async () => replayWebhooks(pool, ids), "replayed");
    setBusy(false);
    announce(endedText(ended, "webhook", "sent again"));
    asked.again();
  };
  return (
    <Shown asked={asked} empty={(dead) => (dead.length === 0 ? `Every webhook of ${pool} was delivered.` : null)}>
      {(dead) => (
        <>
          <div class="fields behind-fields">
            <button
              type="button"
              class="button"
              disabled={busy}
              onClick={() => void replay(dead.map(({ webhookId }) => webhookId))}
            >
              Send all again ({dead.length})
            </button>
          </div>
          <div class="table-box" tabIndex={0} role="region" aria-label={`Webhooks of ${pool} that were not delivered`}>
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">Webhook</th>
                  <th scope="col">Job</th>
                  <th scope="col">Tenant</th>
                  <th scope="col">Receiver</th>
                  <th scope="col" class="number">
                    Failures
                  </th>
                  <th scope="col">Is</th>
                  <th scope="col">
                    <span class="unseen">Orders</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {dead.map(({ webhookId, jobId, tenant, url, failures, state }) => (
                  <tr key={webhookId}>
                    <th scope="row" class="mono">
                      {webhookId}
                    </th>
                    <td class="mono">{jobId}</td>
                    <td>{tenant ?? UNKNOWN}</td>
                    <td class="words">{url}</td>
                    <td class="number">
                      <Figure text={formatCount(failures)} />
                    </td>
                    <td>{inWords(state)}</td>
                    <td class="orders">
                      <button
                        type="button"
                        class="button button-small"
                        disabled={busy}
                        onClick={() => void replay([webhookId])}
                      >
                        Send again<span class="unseen"> {webhookId}</span>
                      </button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </Shown>
  );
}
