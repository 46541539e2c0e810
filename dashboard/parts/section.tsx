/** A part of the page: a region with a heading, what may be done with all of it, and its content. */
import type { ComponentChildren } from "preact";

type Props = {
  /** Of the heading's anchor, without spaces: the page's navigation links to it. */
  readonly id: string;
  readonly title: string;
  /** One sentence for who sees it for the first time. */
  readonly note?: string;
  /** Filters and buttons, beside the heading. */
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
};

export function Section({ id, title, note, actions, children }: Props) {
  return (
    <section class="section" id={id} aria-labelledby={`${id}-title`}>
      <header class="section-head">
        <h2 id={`${id}-title`}>{title}</h2>
        {note === undefined ? null : <p class="section-note">{note}</p>}
        {actions === undefined ? null : <div class="section-actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}
