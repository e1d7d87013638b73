import { useState } from 'react';
import { Limits } from './limits.tsx';
import { UsageReport } from './usage-report.tsx';

export const PERIODS = [7, 30, 90] as const;

/** The user's own usage. */
export function UsagePage() {
  const [days, setDays] = useState<number>(30);
  return (
    <div className="page">
      <header className="page-header">
        <h1>Usage</h1>
        <PeriodSelect days={days} onChange={setDays} />
      </header>
      <UsageReport base="/api/usage" days={days} />
      <Limits />
    </div>
  );
}

export function PeriodSelect({ days, onChange }: { days: number; onChange: (days: number) => void }) {
  return (
    <div className="segments" role="group" aria-label="Period">
      {PERIODS.map((period) => (
        <button key={period} type="button" aria-pressed={period === days} onClick={() => onChange(period)}>
          {period} days
        </button>
      ))}
    </div>
  );
}
