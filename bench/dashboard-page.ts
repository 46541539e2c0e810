/**
 * What a page tells of itself: when it was painted, how long its tasks took, how far its pictures were apart, and what its
 * main thread cost in CPU time, which does not grow when other programs have the cores.
 */
import type { CDPSession, Page } from "playwright-core";
import { percentile } from "./stats.ts";

/** Before anything of the page runs. */
export const WATCH_SCRIPT = `
  window.bench = { fcpMs: null, rowMs: null, longTasksMs: [] };
  window.bench.painted = new Promise((settle) => {
    window.bench.look = () => {
      const { fcpMs, rowMs } = window.bench;
      if (fcpMs !== null && rowMs !== null) settle({ fcpMs, rowMs });
    };
  });
  new PerformanceObserver((list) => {
    for (const one of list.getEntriesByName("first-contentful-paint")) window.bench.fcpMs = one.startTime;
    window.bench.look();
  }).observe({ type: "paint", buffered: true });
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) window.bench.longTasksMs.push(one.duration);
  }).observe({ type: "longtask", buffered: true });
  new MutationObserver((_, observer) => {
    if (document.querySelector("table.endpoints tbody tr") === null) return;
    observer.disconnect();
    // When the picture with it is on the screen.
    requestAnimationFrame(() => setTimeout(() => {
      window.bench.rowMs = performance.now();
      window.bench.look();
    }));
  }).observe(document, { subtree: true, childList: true });
`;

export type Paint = { readonly fcpMs: number; readonly rowMs: number };

/** Resolves when the first line of the table has been painted. */
export async function paintOf(page: Page): Promise<Paint> {
  // Not by a function that the page would have to make of a text: its policy refuses that.
  return (await page.evaluate("window.bench.painted")) as Paint;
}

export type Smoothness = {
  readonly seconds: number;
  readonly pictures: number;
  /** Between two pictures, ms. */
  readonly gapP50Ms: number;
  readonly gapP95Ms: number;
  readonly gapP99Ms: number;
  readonly gapMaxMs: number;
  /** Tasks of more than 50 ms, as the browser defines them. */
  readonly longTasks: number;
  readonly longestTaskMs: number;
  /** Of the page's main thread, ms of CPU a second: all of it, and what scripts and styles with layout have of it. */
  readonly cpuMsPerS: number;
  readonly scriptMsPerS: number;
  readonly layoutMsPerS: number;
  readonly frames: number;
  readonly decisions: number;
  readonly frameBytes: number;
};

/** `seconds` of a page that is open. */
export async function smoothnessOf(page: Page, seconds: number): Promise<Smoothness> {
  const frames = { count: 0, decisions: 0, bytes: 0 };
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  await session.send("Network.enable");
  session.on("Network.webSocketFrameReceived", ({ response: { payloadData } }) => {
    if (!payloadData.startsWith("{")) return;
    frames.count += 1;
    frames.bytes += payloadData.length;
    frames.decisions += (JSON.parse(payloadData) as { readonly decisions: readonly unknown[] }).decisions.length;
  });
  const before = await cpuSeconds(session);
  const seen = (await page.evaluate(
    `new Promise((settle) => {
      const longBefore = window.bench.longTasksMs.length;
      const gaps = [];
      const begun = performance.now();
      let last = begun;
      const look = () => {
        const now = performance.now();
        gaps.push(now - last);
        last = now;
        if (now - begun < ${seconds * 1_000}) requestAnimationFrame(look);
        else settle({ gaps, seconds: (now - begun) / 1000, longTasksMs: window.bench.longTasksMs.slice(longBefore) });
      };
      requestAnimationFrame(look);
    })`,
  )) as { readonly gaps: readonly number[]; readonly seconds: number; readonly longTasksMs: readonly number[] };
  const after = await cpuSeconds(session);
  const msPerS = (name: keyof CpuSeconds): number => ((after[name] - before[name]) * 1_000) / seen.seconds;
  return {
    seconds: seen.seconds,
    pictures: seen.gaps.length,
    gapP50Ms: percentile(seen.gaps, 0.5),
    gapP95Ms: percentile(seen.gaps, 0.95),
    gapP99Ms: percentile(seen.gaps, 0.99),
    gapMaxMs: Math.max(...seen.gaps),
    longTasks: seen.longTasksMs.length,
    longestTaskMs: Math.max(0, ...seen.longTasksMs),
    cpuMsPerS: msPerS("all"),
    scriptMsPerS: msPerS("script"),
    layoutMsPerS: msPerS("layout"),
    frames: frames.count,
    decisions: frames.decisions,
    frameBytes: frames.count === 0 ? 0 : frames.bytes / frames.count,
  };
}

type CpuSeconds = Readonly<Record<"all" | "script" | "layout", number>>;

async function cpuSeconds(session: CDPSession): Promise<CpuSeconds> {
  const { metrics } = await session.send("Performance.getMetrics");
  const of = (wanted: string): number => metrics.find(({ name }) => name === wanted)?.value ?? Number.NaN;
  return {
    all: of("TaskDuration"),
    script: of("ScriptDuration"),
    layout: of("LayoutDuration") + of("RecalcStyleDuration"),
  };
}
