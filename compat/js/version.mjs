/** The versions that are installed, as the packages' own files have them: not all of them let those be imported. */
import { readFileSync } from "node:fs";

export const versionOf = (...names) =>
  names
    .map((name) => {
      const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
      const { name: own, version } = JSON.parse(readFileSync(file, "utf8"));
      return `${own} ${version}`;
    })
    .join(", ");
