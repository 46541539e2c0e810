/** A new key: whose it is, what it may do, and until when. */
import { useState } from "preact/hooks";
import { memberOf } from "../session/api-call.ts";
import { SCOPES } from "../../src/config/config-bounds.ts";
import { createKey, secretIn } from "./keys-api.ts";

const LIVES = [
  ["", "never"],
  ["2592000", "in 30 days"],
  ["7776000", "in 90 days"],
  ["31536000", "in a year"],
] as const;

export function NewKeyForm({ onMade }: { readonly onMade: (id: string, secret: string) => void }) {
  const [tenant, setTenant] = useState("");
  const [label, setLabel] = useState("");
  const [scopes, setScopes] = useState<ReadonlySet<string>>(new Set(["infer"]));
  const [life, setLife] = useState<string>("7776000");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  const make = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    if (tenant.trim() === "" || scopes.size === 0) {
      setProblem(tenant.trim() === "" ? "Name the tenant." : "Choose at least one scope.");
      return;
    }
    setBusy(true);
    const answer = await createKey({
      tenant: tenant.trim(),
      label: label.trim() === "" ? "key" : label.trim(),
      scopes: SCOPES.filter((scope) => scopes.has(scope)),
      expiresInSeconds: life === "" ? null : Number(life),
    });
    setBusy(false);
    const id = answer.ok ? memberOf(answer.value, "id") : null;
    const secret = answer.ok ? secretIn(answer.value) : null;
    if (typeof id === "string" && secret !== null) onMade(id, secret);
    else setProblem(answer.ok ? "The router's answer had no key." : answer.message);
  };
  const toggle = (scope: string): void => {
    const next = new Set(scopes);
    if (!next.delete(scope)) next.add(scope);
    setScopes(next);
  };

  return (
    <form class="new-key" onSubmit={(event) => void make(event)} noValidate>
      <div class="fields">
        <label class="inline-field">
          Tenant
          <input
            type="text"
            value={tenant}
            required
            maxLength={64}
            aria-invalid={problem !== ""}
            aria-describedby="new-key-problem"
            onInput={({ currentTarget }) => setTenant(currentTarget.value)}
          />
        </label>
        <label class="inline-field">
          Label
          <input
            type="text"
            value={label}
            maxLength={24}
            placeholder="key"
            onInput={({ currentTarget }) => setLabel(currentTarget.value)}
          />
        </label>
        <label class="inline-field">
          Ends
          <select value={life} onChange={({ currentTarget }) => setLife(currentTarget.value)}>
            {LIVES.map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <fieldset class="scopes">
          <legend>Scopes</legend>
          {SCOPES.map((scope) => (
            <label class="inline-field" key={scope}>
              <input type="checkbox" checked={scopes.has(scope)} onChange={() => toggle(scope)} />
              {scope}
            </label>
          ))}
        </fieldset>
        <button type="submit" class="button button-main" disabled={busy}>
          {busy ? "Making …" : "Make the key"}
        </button>
      </div>
      <p class="door-error" id="new-key-problem" role="alert">
        {problem}
      </p>
    </form>
  );
}
