/** The fleet: its regions on a map and as a table, and every endpoint. */
import { Section } from "../parts/section.tsx";
import { EndpointTable } from "./endpoint-table.tsx";
import { RegionMap } from "./region-map.tsx";
import { RegionTable } from "./region-table.tsx";

export function Fleet() {
  return (
    <Section id="fleet" title="Fleet">
      <div class="geography">
        <RegionMap />
        <RegionTable />
      </div>
      <h3 class="sub-title">Endpoints</h3>
      <EndpointTable />
    </Section>
  );
}
