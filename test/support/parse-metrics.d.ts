/** The parser has no types of its own. */
declare module "parse-prometheus-text-format" {
  type Sample = {
    readonly labels?: Readonly<Record<string, string>>;
    /** Of a counter or a gauge. */
    readonly value?: string;
  };
  type Family = {
    readonly name: string;
    readonly help: string;
    readonly type: string;
    readonly metrics: readonly Sample[];
  };
  export default function parse(text: string): readonly Family[];
}
