import type { UsageFigures } from '../api/types.ts';
import { formatCost, formatCount } from '../ui/format.ts';

interface ShareTableProps {
  title: string;
  rows: Array<UsageFigures & { name: string }>;
}

/** The cost by agent, model or person, the largest first. */
export function ShareTable({ title, rows }: ShareTableProps) {
  if (rows.length === 0) return null;
  const total = rows.reduce((sum, { totalCost }) => sum + totalCost, 0);
  return (
    <section className="card">
      <h2>{title}</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" className="number">
              Calls
            </th>
            <th scope="col" className="number">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {rows
            .toSorted((a, b) => b.totalCost - a.totalCost)
            .slice(0, 12)
            .map(({ name, calls, totalCost }) => (
              <tr key={name}>
                <th scope="row">
                  {name}
                  <span
                    className="share"
                    style={{ inlineSize: `${total ? (totalCost / total) * 100 : 0}%` }}
                  />
                </th>
                <td className="number">{formatCount(calls)}</td>
                <td className="number">{formatCost(totalCost)}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  );
}
