/** How a page that is written by a program is put together: Markdown, and nothing that a person would have to mend. */

/** What stands at the top of every such page. */
export const generatedFrom = (source: string): string => `Made by \`npm run reference\` from ${source}; do not edit.`;

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** Blocks of a page, with an empty line between them. */
export const page = (...blocks: readonly string[]): string => `${blocks.join("\n\n")}\n`;

export const code = (text: string): string => `\`${text}\``;

/** The anchor that GitHub gives to a heading. */
export const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");
