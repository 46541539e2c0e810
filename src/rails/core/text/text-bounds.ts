/** How much of a body is read, and from where on a number is: who must know only this loads nothing else. */

/** Texts in one body: 1,000 messages with sixteen texts each. Beyond it the input says `too_many_parts`. */
export const TEXT_PARTS_MAX = 16_384;

/** Nesting below a top-level member: JSON schemas of tools stay below twenty. Beyond it the input says `too_deep`. */
export const TEXT_DEPTH_MAX = 64;

/** Numbers below have less than seven digits: no number that belongs to somebody is so short. */
export const NUMBER_MIN = 1_000_000;

/** A list of as many numbers may be a text, as token ids or character by character. */
export const NUMBERS_MAX = 16;
