/**
 * Reads the fields of a parsed JSON object one by one, with bounds and defaults, and collects every problem with its path,
 * so that the author of a scenario sees all of them at once.
 *
 * Rejected: zod, which the simulator may not import and which the core does without as well.
 */

export type Bounds = { readonly min: number; readonly max: number; readonly integer?: boolean };

export class FieldReader {
  readonly path: string;
  readonly problems: string[];
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #known = new Set<string>();

  constructor(value: unknown, path: string, problems: string[]) {
    this.path = path;
    this.problems = problems;
    this.#fields = isRecord(value) ? value : {};
    if (!isRecord(value)) problems.push(`${path === "" ? "the file" : path} must be an object`);
  }

  has(key: string): boolean {
    this.#known.add(key);
    return this.#fields[key] !== undefined;
  }

  problem(key: string, message: string): void {
    this.problems.push(`${this.at(key)} ${message}`);
  }

  at(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  /** A number within bounds. Without a default the field must be there. */
  number(key: string, bounds: Bounds, fallback?: number): number {
    if (!this.has(key)) return this.#absent(key, fallback, bounds.min);
    return this.#checked(key, this.#fields[key], bounds);
  }

  text(key: string, fallback?: string): string {
    if (!this.has(key)) return this.#absent(key, fallback, "");
    const value = this.#fields[key];
    if (typeof value === "string" && value !== "") return value;
    this.problem(key, "must be a text that is not empty");
    return "";
  }

  flag(key: string, fallback: boolean): boolean {
    if (!this.has(key)) return fallback;
    const value = this.#fields[key];
    if (typeof value === "boolean") return value;
    this.problem(key, "must be true or false");
    return fallback;
  }

  oneOf<Name extends string>(key: string, names: readonly Name[], fallback?: Name): Name {
    const first = names[0] as Name;
    if (!this.has(key)) return this.#absent(key, fallback, first);
    const value = this.#fields[key];
    const found = names.find((name) => name === value);
    if (found === undefined) this.problem(key, `must be one of ${names.join(", ")}`);
    return found ?? first;
  }

  /** The object in a field; an empty one when it is absent. */
  object(key: string): FieldReader {
    return new FieldReader(this.has(key) ? this.#fields[key] : {}, this.at(key), this.problems);
  }

  /** The elements of a list; none when the field is absent. */
  list(key: string): readonly unknown[] {
    if (!this.has(key)) return [];
    const value = this.#fields[key];
    if (Array.isArray(value)) return value;
    this.problem(key, "must be a list");
    return [];
  }

  objects(key: string): readonly FieldReader[] {
    return this.list(key).map((value, index) => new FieldReader(value, `${this.at(key)}[${index}]`, this.problems));
  }

  numbers(key: string, bounds: Bounds): readonly number[] {
    return this.list(key).map((value, index) => this.#checked(`${key}[${index}]`, value, bounds));
  }

  texts(key: string): readonly string[] {
    return this.list(key).flatMap((value, index) => {
      if (typeof value === "string") return [value];
      this.problem(`${key}[${index}]`, "must be a text");
      return [];
    });
  }

  /** Names in use; call it last. A field that nobody asked for is a typing error. */
  finish(): void {
    for (const key of Object.keys(this.#fields)) {
      if (!this.#known.has(key)) this.problem(key, `is not a field; known are ${[...this.#known].join(", ")}`);
    }
  }

  #absent<T>(key: string, fallback: T | undefined, instead: T): T {
    if (fallback === undefined) this.problem(key, "is missing");
    return fallback ?? instead;
  }

  #checked(key: string, value: unknown, { min, max, integer = false }: Bounds): number {
    const right = typeof value === "number" && value >= min && value <= max && (!integer || Number.isInteger(value));
    if (right) return value;
    this.problem(key, `must be ${integer ? "a whole number" : "a number"} from ${min} to ${max}`);
    return min;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
