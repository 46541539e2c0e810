/** A thread of the documented tables: runs the cells it is dealt and sends back their results. */
import { parentPort } from "node:worker_threads";
import { runCell, type Cell } from "./cells.ts";

parentPort?.on("message", (cell: Cell) => void answer(cell));

async function answer(cell: Cell): Promise<void> {
  const result = await runCell(cell);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(result);
}
