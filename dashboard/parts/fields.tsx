/** Fields of a filter: each with its label, and with what it is now. */

type TextProps = {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
};

export function TextField({ label, value, onInput }: TextProps) {
  return (
    <label class="inline-field">
      {label}
      <input
        type="search"
        value={value}
        spellcheck={false}
        autocomplete="off"
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
      />
    </label>
  );
}

type SelectProps = {
  readonly label: string;
  /** "": any. */
  readonly value: string;
  /** What the first choice says, which chooses nothing. */
  readonly first: string;
  readonly options: readonly string[];
  readonly onChange: (value: string) => void;
};

export function SelectField({ label, value, first, options, onChange }: SelectProps) {
  // A choice that went away stays visible until it is changed: a filter that nobody sees hides rows.
  const all = value === "" || options.includes(value) ? options : [...options, value];
  return (
    <label class="inline-field">
      {label}
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        <option value="">{first}</option>
        {all.map((option) => (
          <option key={option} value={option}>
            {option.replaceAll("_", " ")}
          </option>
        ))}
      </select>
    </label>
  );
}
