/** How the demo speaks: plain lines, aligned columns, and colour only for a terminal that wants it. */
import { styleText } from "node:util";

type Style = "bold" | "dim" | "green" | "red";

/** A negative width aligns to the right. */
export type Column = { readonly title: string; readonly width: number };

export type Print = {
  line(text?: string): void;
  heading(text: string): void;
  /** Beside the point, but true. */
  note(text: string): void;
  head(columns: readonly Column[]): void;
  row(columns: readonly Column[], cells: readonly string[]): void;
  /** A fact that was checked. */
  verdict(ok: boolean, text: string): void;
};

const INDENT = "  ";
const GAP = "  ";

/** https://no-color.org: any value that is not empty. */
export function wantsColour(out: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return out.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

export function createPrint(write: (text: string) => void, hasColour: boolean): Print {
  const paint = (style: Style, text: string): string =>
    hasColour ? styleText(style, text, { validateStream: false }) : text;
  const line = (text = ""): void => void write(`${text}\n`);
  return {
    line,
    heading: (text) => line(`\n${paint("bold", text)}`),
    note: (text) => line(INDENT + paint("dim", text)),
    head: (columns) =>
      line(
        INDENT +
          paint(
            "dim",
            columns
              .map(({ title, width }) => pad(title, width))
              .join(GAP)
              .trimEnd(),
          ),
      ),
    row: (columns, cells) => {
      const padded = columns.map(({ width }, index) => pad(cells[index] ?? "", width));
      line(INDENT + padded.join(GAP).trimEnd());
    },
    verdict: (ok, text) => line(`${INDENT}${ok ? paint("green", "ok") : paint("red", "FAILED")}  ${text}`),
  };
}

const pad = (text: string, width: number): string => (width < 0 ? text.padStart(-width) : text.padEnd(width));
