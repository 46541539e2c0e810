/** Writes events of an event stream; `sse.ts` reads them. */
import { fieldOf, linesOf } from "./sse.ts";

/** One event with JSON as its data, which has no line break. Nor may the name have one: names are ours. */
export function writeEvent(message: { event: string | null; data: unknown; id?: number | undefined }): string {
  const { event, data, id } = message;
  const head = (id === undefined ? "" : `id: ${id}\n`) + (event === null ? "" : `event: ${event}\n`);
  return `${head}data: ${JSON.stringify(data)}\n\n`;
}

/** The same event with other data; its other lines stay. Each line break of the data begins a new line of data. */
export function withData(part: string, data: string): string {
  const lines = linesOf(part);
  const isData = (line: string): boolean => fieldOf(line).name === "data";
  const first = lines.findIndex(isData);
  const kept = lines.flatMap((line, index) => {
    if (index === first) return linesOf(data).map((piece) => `data: ${piece}`);
    return line === "" || isData(line) ? [] : [line];
  });
  return `${kept.join("\n")}\n\n`;
}
