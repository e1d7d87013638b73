import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useBackend } from '../api/backend.tsx';
import { useDownload } from '../api/download.ts';
import { describeError } from '../api/problem.ts';
import type { UsagePoint, UsageProjection, UsageSummary } from '../api/types.ts';
import { AGENT_NAMES, formatCost, formatCount } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Loading } from '../ui/loading.tsx';
import { Calls } from './calls.tsx';
import { CostChart } from './cost-chart.tsx';
import { ShareTable } from './share-table.tsx';

interface UsageReportProps {
  /** The user's own figures, or those of all users. */
  base: '/api/usage' | '/api/admin/usage';
  days: number;
}

const DAY = 86_400_000;

/** Sums, a chart, and who or what they are for. */
export function UsageReport({ base, days }: UsageReportProps) {
  const { call } = useBackend();
  const download = useDownload();
  const [tz] = useState(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [now] = useState(() => Date.now());
  const from = new Date(now - days * DAY).toISOString();
  const search = new URLSearchParams({ from, tz }).toString();

  const summary = useQuery({
    queryKey: ['usage', base, days, 'summary'],
    queryFn: () => call<UsageSummary>(`${base}/summary?${search}`),
  });
  const series = useQuery({
    queryKey: ['usage', base, days, 'series'],
    queryFn: () => call<{ points: UsagePoint[] }>(`${base}/timeseries?${search}&interval=day`),
  });
  const projection = useQuery({
    queryKey: ['usage', base, 'projection'],
    queryFn: () => call<UsageProjection>(`${base}/projection?days=30&tz=${encodeURIComponent(tz)}`),
  });

  if (summary.error) return <p className="hint">{describeError(summary.error)}</p>;
  if (!summary.data) return <Loading />;
  const { calls, errors, totalTokens, totalCost, previous, byAgent, byModel, byUser } = summary.data;
  return (
    <>
      <dl className="figures">
        <Figure name="Cost" value={formatCost(totalCost)} note={changeOf(totalCost, previous.totalCost)} />
        <Figure
          name="Calls"
          value={formatCount(calls)}
          note={errors > 0 ? `${errors} failed` : 'none failed'}
        />
        <Figure
          name="Tokens"
          value={formatCount(totalTokens)}
          note={changeOf(totalTokens, previous.totalTokens)}
        />
        <Figure
          name="Next 30 days"
          value={projection.data ? formatCost(projection.data.projectedCost) : '…'}
          note="if the trend continues"
        />
      </dl>
      <section className="card">
        <header className="card-header">
          <h2>Cost per day</h2>
          <button
            type="button"
            className="button button-small"
            onClick={() => void download(`${base}/export?format=csv&${search}`, 'usage.csv')}
          >
            <Icon name="download" size={15} />
            CSV
          </button>
        </header>
        {series.data ? <CostChart points={series.data.points} /> : <Loading />}
      </section>
      <div className="columns">
        <ShareTable
          title="By agent"
          rows={byAgent.map((row) => ({ ...row, name: AGENT_NAMES[row.agentType] ?? row.agentType }))}
        />
        <ShareTable title="By model" rows={byModel.map((row) => ({ ...row, name: row.model }))} />
        {byUser && (
          <ShareTable
            title="By person"
            rows={byUser.map((row) => ({ ...row, name: row.email ?? row.userId }))}
          />
        )}
      </div>
      <Calls base={base} search={search} />
    </>
  );
}

function Figure({ name, value, note }: { name: string; value: string; note: string }) {
  return (
    <div className="card figure">
      <dt>{name}</dt>
      <dd>{value}</dd>
      <dd className="figure-note">{note}</dd>
    </div>
  );
}

function changeOf(now: number, before: number): string {
  if (before === 0) return now === 0 ? 'none so far' : 'none in the previous period';
  const change = Math.round((now / before - 1) * 100);
  return `${change > 0 ? '+' : ''}${change}% from the previous period`;
}
