/** The first row of a table: what stands in its columns. */
export function HeadingRow({ titles }: { readonly titles: readonly string[] }) {
  return (
    <tr>
      {titles.map((title) => (
        <th key={title} scope="col">
          {title}
        </th>
      ))}
    </tr>
  );
}
