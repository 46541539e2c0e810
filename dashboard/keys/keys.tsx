/** API keys: those of the registry, which are made, rotated and revoked here, and those of the file, which are only told. */
import { useState } from "preact/hooks";
import { Shown, useAsked } from "../lower/asked.tsx";
import { when } from "../jobs/when.ts";
import { announce } from "../parts/announce.tsx";
import { askConfirm } from "../parts/confirm.tsx";
import { Figure } from "../parts/figure.tsx";
import { Section } from "../parts/section.tsx";
import { formatCount, formatSpan } from "../store/format.ts";
import { type KeyRow, listKeys, OVERLAP_S, readKeys, revokeKey, rotateKey, secretIn } from "./keys-api.ts";
import { NewKeyForm } from "./new-key.tsx";
import { SecretDialog } from "./secret.tsx";

type Made = { readonly id: string; readonly secret: string };

export function Keys() {
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<Made | null>(null);
  const asked = useAsked("keys", listKeys, readKeys);

  const rotate = async (id: string): Promise<void> => {
    const yes = await askConfirm({
      title: `Rotate the key ${id}?`,
      text: `A new secret is made and shown once. The one before goes on for ${formatSpan(OVERLAP_S * 1_000)}, and then ends.`,
      action: "Rotate",
    });
    if (!yes) return;
    const answer = await rotateKey(id);
    const secret = answer.ok ? secretIn(answer.value) : null;
    if (secret !== null) setMade({ id, secret });
    announce(answer.ok ? `The key ${id} has a new secret.` : `The key ${id} is as it was: ${answer.message}`);
    asked.again();
  };
  const revoke = async (id: string): Promise<void> => {
    const yes = await askConfirm({
      title: `Revoke the key ${id}?`,
      text: "Every request with it is refused, everywhere within a minute. It cannot be brought back.",
      action: "Revoke",
      danger: true,
    });
    if (!yes) return;
    const answer = await revokeKey(id);
    announce(answer.ok ? `The key ${id} is revoked.` : `The key ${id} is as it was: ${answer.message}`);
    asked.again();
  };

  return (
    <Section
      id="keys"
      title="Keys"
      note="A secret is shown once, when it is made."
      actions={
        <button type="button" class="button" aria-expanded={isMaking} onClick={() => setMaking(!isMaking)}>
          New key
        </button>
      }
    >
      {isMaking && (
        <NewKeyForm
          onMade={(id, secret) => {
            setMaking(false);
            setMade({ id, secret });
            announce(`The key ${id} is made.`);
            asked.again();
          }}
        />
      )}
      <Shown asked={asked} empty={({ keys }) => (keys.length === 0 ? "There are no keys." : null)}>
        {({ keys, hasMore }) => (
          <>
            <KeyTable keys={keys} rotate={(id) => void rotate(id)} revoke={(id) => void revoke(id)} />
            {hasMore ? <p class="empty">There are more keys than are shown here.</p> : null}
          </>
        )}
      </Shown>
      {made === null ? null : <SecretDialog {...made} onClose={() => setMade(null)} />}
    </Section>
  );
}

type TableProps = {
  readonly keys: readonly KeyRow[];
  readonly rotate: (id: string) => void;
  readonly revoke: (id: string) => void;
};

function KeyTable({ keys, rotate, revoke }: TableProps) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label="API keys">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">Tenant</th>
            <th scope="col">Scopes</th>
            <th scope="col">Is</th>
            <th scope="col">Ends</th>
            <th scope="col" class="number">
              Live secrets
            </th>
            <th scope="col">Note</th>
            <th scope="col">
              <span class="unseen">Orders</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map(({ id, tenant, scopes, status, expiresAt, liveSecrets, note }) => (
            <tr key={`${status}/${id}`}>
              <th scope="row" class="mono">
                {id}
              </th>
              <td>{tenant}</td>
              <td>{scopes.join(", ")}</td>
              <td>
                <span class={`key-state key-${status}`}>{status === "config" ? "in the config" : status}</span>
              </td>
              <td>{expiresAt === null ? "never" : when(expiresAt)}</td>
              <td class="number">
                <Figure text={formatCount(liveSecrets)} />
              </td>
              <td class="words">{note}</td>
              <td class="orders">
                {status === "active" ? (
                  <>
                    <button type="button" class="button button-small" onClick={() => rotate(id)}>
                      Rotate<span class="unseen"> {id}</span>
                    </button>
                    <button type="button" class="button button-small button-danger" onClick={() => revoke(id)}>
                      Revoke<span class="unseen"> {id}</span>
                    </button>
                  </>
                ) : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
