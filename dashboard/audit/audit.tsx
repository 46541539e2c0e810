/** What operators did: the newest orders with who gave them, how they ended and what changed. */
import { useEffect } from "preact/hooks";
import { when } from "../jobs/when.ts";
import { Shown, useAsked } from "../lower/asked.tsx";
import { lastOrder } from "../parts/announce.tsx";
import { HeadingRow } from "../parts/heading-row.tsx";
import { Section } from "../parts/section.tsx";
import { UNKNOWN } from "../store/format.ts";
import { type AuditRow, newestRecords, readRecords } from "./audit-api.ts";

export function Audit() {
  const asked = useAsked("audit", newestRecords, readRecords);
  const order = lastOrder.value;
  // An order of this page is on it as soon as it has ended.
  useEffect(() => {
    if (order !== "") asked.again();
  }, [order]);
  return (
    <Section
      id="audit"
      title="Audit"
      note="What operators did, the newest first. GET /admin/audit has all of it, with its hashes."
      actions={
        <button type="button" class="button" onClick={asked.again}>
          Ask again
        </button>
      }
    >
      <Shown asked={asked} empty={(rows) => (rows.length === 0 ? "Nothing is on record." : null)}>
        {(rows) => <AuditTable rows={rows} />}
      </Shown>
    </Section>
  );
}

function AuditTable({ rows }: { readonly rows: readonly AuditRow[] }) {
  return (
    <div class="table-box table-box-short" tabIndex={0} role="region" aria-label="Orders of operators">
      <table class="table">
        <thead>
          <HeadingRow titles={["When", "Who", "From", "What", "Ended", "Changed"]} />
        </thead>
        <tbody>
          {rows.map(({ seq, at, who, address, action, outcome, changed }) => (
            <tr key={seq}>
              <th scope="row" class="when">
                {when(at)}
              </th>
              <td>{who ?? "nobody who may"}</td>
              <td>{address ?? UNKNOWN}</td>
              <td class="mono">{action}</td>
              <td>
                <span class={`ended ended-${outcome}`}>{outcome === "asked" ? "not yet" : outcome}</span>
              </td>
              <td class="words">{changed}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
