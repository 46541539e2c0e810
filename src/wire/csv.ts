/** Writes a table as CSV (RFC 4180) that no spreadsheet takes for anything but texts and numbers. */

type Cell = string | number;

/** Lines end with CR and LF, the last one too. */
export const csvOf = (rows: readonly (readonly Cell[])[]): string =>
  rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");

/** A text that a spreadsheet would take for a formula, here or behind blanks that it drops, begins with an apostrophe. */
function cell(value: Cell): string {
  const text = typeof value === "string" && /^\s*[=+\-@\t\r＝＋－＠]/u.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
