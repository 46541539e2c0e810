/** The text of the bundled config: for who tells what is wrong with it, or that it is another. A part of the bundle. */
import text from "../../warmpath.jsonc";

export const bundledText = text;
