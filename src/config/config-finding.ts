export type ConfigPath = readonly (string | number)[];

/** What is wrong at `path`, and what to write instead. */
export type Finding = { readonly path: ConfigPath; readonly problem: string; readonly fix: string };
