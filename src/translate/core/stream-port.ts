/** What turns a stream of chat completions into another protocol's, event by event. */

/**
 * The events depend on what was said and never on how it was cut into pieces. Written in place by its owner.
 */
export type StreamTranslator = {
  /** Of the data of one event the text of the events that it becomes; may be none. */
  readonly take: (data: string) => string;
  /** Nothing more comes. Says nothing where the answer had not ended: then it was cut, and somebody else says so. */
  readonly end: () => string;
};

/** One event, whose name its data has too. `rest`: further members as JSON, from the comma on. */
export const eventText = (type: string, rest: string): string => `event: ${type}\ndata: {"type":"${type}"${rest}}\n\n`;
