import { useState } from 'react';
import { Link } from 'wouter';
import { PeriodSelect } from '../usage/usage-page.tsx';
import { UsageReport } from '../usage/usage-report.tsx';
import { Audit } from './audit.tsx';
import { ConfigTab } from './config-tab.tsx';
import { People } from './people.tsx';

const TABS = { config: 'Configuration', people: 'People', usage: 'Usage', audit: 'Audit log' } as const;
type Tab = keyof typeof TABS;

/** For administrators. */
export function AdminPage({ isAdmin, tab }: { isAdmin: boolean; tab: string }) {
  if (!isAdmin) return <p className="fatal">This page is for administrators.</p>;
  const current: Tab = tab in TABS ? (tab as Tab) : 'config';
  return (
    <div className="page">
      <header className="page-header">
        <h1>Administration</h1>
      </header>
      <nav className="tabs" aria-label="Administration">
        {Object.entries(TABS).map(([name, label]) => (
          <Link key={name} href={`/admin/${name}`} aria-current={name === current ? 'page' : undefined}>
            {label}
          </Link>
        ))}
      </nav>
      {current === 'config' && <ConfigTab />}
      {current === 'people' && <People />}
      {current === 'usage' && <AllUsage />}
      {current === 'audit' && <Audit />}
    </div>
  );
}

function AllUsage() {
  const [days, setDays] = useState<number>(30);
  return (
    <>
      <PeriodSelect days={days} onChange={setDays} />
      <UsageReport base="/api/admin/usage" days={days} />
    </>
  );
}
