/** Cold starts, tokens, and what they cost: estimated from the config's prices, where it has some. */
import { Figure } from "../parts/figure.tsx";
import { Section } from "../parts/section.tsx";
import { formatCount, formatMs, formatShare, formatSpan, UNKNOWN } from "../store/format.ts";
import { store } from "../store/page-store.ts";

export function Cost() {
  const rates = store.frame.value?.rates ?? null;
  const span = rates === null ? "" : `, last ${formatSpan(rates.windowS * 1_000)}`;
  const tokens = rates?.tokens;
  const tiles: readonly (readonly [name: string, figure: string, note: string])[] = [
    [`Cold starts${span}`, formatCount(rates?.coldStarts), "requests that woke an endpoint"],
    [`Tokens read${span}`, formatCount(tokens?.in), cachedNote(tokens)],
    [`Tokens written${span}`, formatCount(tokens?.out), "as endpoints counted them"],
    ["Estimated cost an hour", costText(rates?.costPerHour), costNote(rates)],
  ];
  return (
    <Section id="cost" title="Cold starts and cost">
      <dl class="tiles tiles-inside">
        {tiles.map(([name, figure, note]) => (
          <div class="tile" key={name}>
            <dt>{name}</dt>
            <dd class="tile-value">
              <b>
                <Figure text={figure} />
              </b>
            </dd>
            <dd class="tile-note">{note}</dd>
          </div>
        ))}
      </dl>
      <ColdEndpoints />
    </Section>
  );
}

type Rates = NonNullable<NonNullable<typeof store.frame.value>["rates"]>;

function cachedNote(tokens: Rates["tokens"] | undefined): string {
  if (tokens === undefined || tokens.in === 0) return "as endpoints counted them";
  return `${formatShare(tokens.cached / tokens.in)} from a cache`;
}

const costText = (perHour: number | null | undefined): string =>
  perHour === null || perHour === undefined ? UNKNOWN : perHour.toFixed(perHour < 10 ? 2 : 0);

function costNote(rates: Rates | null): string {
  if (rates === null) return "the router counts nothing here";
  return rates.costPerHour === null
    ? "the config has no prices"
    : "at the pace of the last moments, in the config's currency";
}

/** Who is not warm now, and how long a start takes there. */
function ColdEndpoints() {
  const shards = store.frame.value?.fleet ?? [];
  const cold = shards.flatMap(({ pool, endpoints }) =>
    endpoints.filter(({ warmth }) => warmth !== "warm").map((endpoint) => ({ pool, ...endpoint })),
  );
  if (cold.length === 0) return <p class="empty">Every endpoint that answers is warm.</p>;
  const shown = cold.slice(0, COLD_SHOWN_MAX);
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label="Endpoints that are not warm">
      <table class="table">
        <caption>Not warm now</caption>
        <thead>
          <tr>
            <th scope="col">Endpoint</th>
            <th scope="col">Pool</th>
            <th scope="col">Region</th>
            <th scope="col">Is</th>
            <th scope="col" class="number">
              A start takes
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ pool, id, region, warmth, coldMs }) => (
            <tr key={`${pool}/${id}`}>
              <th scope="row">{id}</th>
              <td>{pool}</td>
              <td>{region}</td>
              <td>{warmth}</td>
              <td class="number">{warmth === "warming" ? `${formatMs(coldMs)} more` : formatMs(coldMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {cold.length > shown.length && <p class="empty">{`and ${cold.length - shown.length} more`}</p>}
    </div>
  );
}

/** A list, not a second table of the fleet. */
const COLD_SHOWN_MAX = 20;
