/** The code that sends the same request, and a button that copies it. */
import { signal } from "@preact/signals";
import { announce } from "../parts/announce.tsx";
import { codeOf, type Language, LANGUAGES, type TryRequest } from "./code.ts";

const language = signal<Language>("curl");

export function Code({ request }: { readonly request: TryRequest }) {
  const code = codeOf(language.value, request);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(code);
      announce("The code is copied. Put your key into WARMPATH_KEY.");
    } catch {
      announce("The browser did not let the page copy: select the code and copy it yourself.");
    }
  };
  return (
    <div class="try-code">
      <div class="behind-head">
        <h3>As code</h3>
        <fieldset class="switch">
          <legend class="unseen">Language</legend>
          {LANGUAGES.map((one) => (
            <label key={one}>
              <input
                type="radio"
                name="language"
                checked={language.value === one}
                onChange={() => (language.value = one)}
              />
              <span>{one}</span>
            </label>
          ))}
        </fieldset>
        <button type="button" class="button button-small" onClick={() => void copy()}>
          Copy
        </button>
      </div>
      <pre class="code" tabIndex={0} role="region" aria-label={`The request as ${language.value}`}>
        <code>{code}</code>
      </pre>
    </div>
  );
}
