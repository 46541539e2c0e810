/** The page below the decisions, in its order. */

/** Of the page's navigation: the id of each section, and its title. */
export const LOWER_SECTIONS: readonly (readonly [id: string, title: string])[] = [];

export function LowerHalf() {
  return null;
}
