import type { UsageLog } from '../api/types.ts';
import { usePages } from '../api/use-pages.ts';
import { AGENT_NAMES, formatCost, formatCount, formatTime } from '../ui/format.ts';

/** The single calls of models, newest first. */
export function Calls({ base, search }: { base: string; search: string }) {
  const calls = usePages<UsageLog>(['usage', base, 'logs', search], `${base}/logs?limit=20&${search}`);
  const { items } = calls;
  if (items.length === 0) return null;
  return (
    <section className="card">
      <h2>Calls</h2>
      <div className="scroll" tabIndex={0} role="region" aria-label="Calls">
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Agent</th>
              <th scope="col">Model</th>
              <th scope="col" className="number">
                Tokens
              </th>
              <th scope="col" className="number">
                Cost
              </th>
              <th scope="col" className="number">
                Seconds
              </th>
              <th scope="col">Status</th>
            </tr>
          </thead>
          <tbody>
            {items.map((item) => (
              <tr key={item.id}>
                <td>{formatTime(item.requestTimestamp)}</td>
                <td>{AGENT_NAMES[item.agentType] ?? item.agentType}</td>
                <td>{item.modelUsed}</td>
                <td className="number">{formatCount(item.inputTokens + item.outputTokens)}</td>
                <td className="number">{formatCost(item.totalCost)}</td>
                <td className="number">
                  {item.durationMs === null ? '' : (item.durationMs / 1_000).toFixed(1)}
                </td>
                <td>{item.status}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {calls.hasNextPage && (
        <button type="button" className="link" onClick={() => void calls.fetchNextPage()}>
          Show more
        </button>
      )}
    </section>
  );
}
