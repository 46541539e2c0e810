/** The steps of a request on one axis. Its numbers are in the tables below, so it is one picture to who listens. */
import type { ShownRequest } from "../record.ts";
import { formatMs } from "../store/format.ts";
import { axisMs, barsOf } from "./timeline.ts";
import type { Bar } from "./timeline.ts";

const WIDTH = 1_000;

export function Timeline({ record }: { readonly record: ShownRequest }) {
  const bars = barsOf(record);
  const axis = axisMs(bars, record.ms.total);
  return (
    <div class="timeline" role="img" aria-label={bars.map((bar) => spoken(bar)).join("; ")}>
      {bars.map((bar, at) => (
        <div key={at} class="timeline-row" aria-hidden="true">
          <span class="timeline-name">{bar.name}</span>
          <svg class="timeline-bar" viewBox={`0 0 ${WIDTH} 12`} preserveAspectRatio="none">
            <rect class="timeline-axis" y="5.5" width={WIDTH} height="1" />
            <rect
              class={`timeline-${bar.kind}`}
              x={at1000(bar.fromMs, axis)}
              y="1"
              width={Math.max(3, at1000(bar.toMs, axis) - at1000(bar.fromMs, axis))}
              height="10"
            />
            {bar.markMs === null ? null : (
              <rect class="timeline-mark" x={at1000(bar.markMs, axis)} y="0" width="3" height="12" />
            )}
          </svg>
          <span class="timeline-ms">{formatMs(bar.toMs - bar.fromMs)}</span>
        </div>
      ))}
    </div>
  );
}

const at1000 = (ms: number, axis: number): number => Math.round((ms / axis) * WIDTH);

const spoken = ({ name, kind, fromMs, toMs, markMs }: Bar): string =>
  `${kind === "lost" ? "lost at " : ""}${name} from ${formatMs(fromMs)} to ${formatMs(toMs)}` +
  (markMs === null ? "" : `, first byte at ${formatMs(markMs)}`);
