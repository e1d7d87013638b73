import { parseCsv } from './csv.ts';

/** The most rows that are shown. */
const MAX_ROWS = 500;

export function Sheet({ csv }: { csv: string }) {
  const [head = [], ...rows] = parseCsv(csv);
  return (
    <table className="sheet">
      <thead>
        <tr>
          {head.map((cell, index) => (
            <th key={index} scope="col">
              {cell}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.slice(0, MAX_ROWS).map((row, index) => (
          <tr key={index}>
            {row.map((cell, column) => (
              <td key={column}>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
