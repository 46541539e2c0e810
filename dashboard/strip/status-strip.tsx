/** The state of the fleet in one line. */
import { useComputed } from "@preact/signals";
import { Figure } from "../parts/figure.tsx";
import { store } from "../store/page-store.ts";
import { stripTiles } from "./strip-figures.ts";

export function StatusStrip() {
  const tiles = useComputed(() => {
    void store.endpointsChanged.value;
    const rows = store.endpointKeys.value.flatMap((key) => store.endpoint(key)?.peek() ?? []);
    return stripTiles(store.frame.value, rows);
  });
  return (
    <section class="strip" aria-labelledby="strip-title">
      <h2 class="unseen" id="strip-title">
        Status
      </h2>
      <dl class="tiles">
        {tiles.value.map(({ name, values, alarm }) => (
          <div key={name} class={alarm === null ? "tile" : "tile tile-alarm"}>
            <dt>
              {name}
              {alarm === null ? null : <span class="tile-word">{alarm}</span>}
            </dt>
            <dd>
              {values.map(([label, value]) => (
                <span key={label} class="tile-value">
                  {label === "of" ? <span class="tile-label">of </span> : null}
                  <b>
                    <Figure text={value} />
                  </b>
                  {label === "" || label === "of" ? null : <span class="tile-label"> {label}</span>}
                </span>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
