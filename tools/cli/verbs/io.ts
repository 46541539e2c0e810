/** What a verb of the command line may touch, so that a test runs the very verb: two streams, the environment, a folder. */

export type Io = {
  /** Data, for whoever reads it by program: stdout. A line break is added. */
  out(text: string): void;
  /** The same without the line break, for what comes in pieces. */
  write(text: string): void;
  /** What a person reads beside it: stderr. A line break is added. */
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths begin. */
  readonly cwd: string;
  /** May somebody be asked. */
  readonly isInteractive: boolean;
};

/** What ends a verb: one word for programs, what is wrong, and what to do. */
export class Trouble extends Error {
  readonly code: string;
  readonly fix: string | null;

  constructor(code: string, message: string, fix: string | null = null) {
    super(message);
    this.name = "Trouble";
    this.code = code;
    this.fix = fix;
  }
}

/** For an option that may be given several times. */
export const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

export const troubleText = ({ code, message, fix }: Trouble): string =>
  `error[${code}]: ${message}${fix === null ? "" : `\n  = ${fix}`}`;

/** Rows under headings, in columns; no text for no rows. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
