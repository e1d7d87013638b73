import { useQuery } from '@tanstack/react-query';
import { useBackend } from '../api/backend.tsx';
import type { RateLimit } from '../api/types.ts';
import { AGENT_NAMES, formatCount, formatTime } from '../ui/format.ts';

const WINDOWS = { hourly: 'per hour', daily: 'per day' };

/** How many requests are left. */
export function Limits() {
  const { call } = useBackend();
  const { data } = useQuery({
    queryKey: ['limits'],
    queryFn: () => call<{ items: RateLimit[] }>('/api/rate-limits'),
  });
  if (!data || data.items.length === 0) return null;
  return (
    <section className="card">
      <h2>Limits</h2>
      <ul className="limits">
        {data.items.map(({ agentType, limitType, limit, used, remaining, resetsAt }) => {
          const name = `${AGENT_NAMES[agentType] ?? agentType} ${WINDOWS[limitType]}`;
          return (
            <li key={name}>
              <span>{name}</span>
              <meter aria-label={name} min={0} max={limit} high={limit * 0.8} value={used} />
              <span title={`Resets ${formatTime(resetsAt)}`}>
                {formatCount(remaining)} of {formatCount(limit)} left
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
