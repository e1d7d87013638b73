import { Area, AreaChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import type { UsagePoint } from '../api/types.ts';
import { formatCost, formatDay } from '../ui/format.ts';

export function CostChart({ points }: { points: UsagePoint[] }) {
  const total = points.reduce((sum, { totalCost }) => sum + totalCost, 0);
  // The axis would be in dollars that nobody has spent.
  if (total === 0) return <p className="hint">No cost in this period.</p>;
  return (
    <figure className="chart" aria-label={`Cost per day, ${formatCost(total)} in all`}>
      <ResponsiveContainer width="100%" height={220}>
        <AreaChart data={points} margin={{ top: 8, right: 8, bottom: 0, left: 8 }} accessibilityLayer={false}>
          <CartesianGrid vertical={false} stroke="var(--border)" />
          <XAxis
            dataKey="start"
            tickFormatter={formatDay}
            minTickGap={32}
            tickLine={false}
            axisLine={false}
            tick={{ fill: 'var(--text-muted)', fontSize: 12 }}
          />
          <YAxis
            tickFormatter={formatCost}
            width={56}
            tickLine={false}
            axisLine={false}
            tick={{ fill: 'var(--text-muted)', fontSize: 12 }}
          />
          <Tooltip
            formatter={(value) => [formatCost(Number(value)), 'Cost']}
            labelFormatter={(label) => (typeof label === 'string' ? formatDay(label) : '')}
            contentStyle={{
              background: 'var(--surface)',
              border: '1px solid var(--border)',
              borderRadius: 8,
              color: 'var(--text)',
            }}
          />
          <Area
            dataKey="totalCost"
            stroke="var(--accent)"
            fill="var(--accent)"
            fillOpacity={0.15}
            strokeWidth={2}
            isAnimationActive={false}
          />
        </AreaChart>
      </ResponsiveContainer>
    </figure>
  );
}
