import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { useBackend } from '../api/backend.tsx';
import type { ConfigVersion, Page } from '../api/types.ts';
import { Dialog } from '../ui/dialog.tsx';
import { formatTime } from '../ui/format.ts';
import { Loading } from '../ui/loading.tsx';
import { usePersonNames } from './use-person-names.ts';

const CodeEditor = lazy(() =>
  import('../artifact/code-editor.tsx').then(({ CodeEditor }) => ({ default: CodeEditor })),
);

interface ConfigHistoryProps {
  path: string;
  current: number;
  onRollBack: (version: number) => void;
}

/** The versions of the configuration with their authors, and the way back to each of them. */
export function ConfigHistory({ path, current, onRollBack }: ConfigHistoryProps) {
  const { call } = useBackend();
  const nameOf = usePersonNames();
  const [compared, setCompared] = useState<ConfigVersion>();
  const { data } = useQuery({
    queryKey: ['config-history', path, current],
    queryFn: () => call<Page<ConfigVersion>>(`${path}/history?limit=20`),
  });
  if (!data) return <Loading />;
  const former = data.items[data.items.findIndex((item) => item === compared) + 1];
  return (
    <section className="card">
      <h2>History</h2>
      <ul className="rows">
        {data.items.map((item) => (
          <li key={item.version}>
            <span>
              Version {item.version}, {item.action.replace('_', ' ')} by{' '}
              {item.changedBy ? nameOf(item.changedBy) : 'the installation'}, {formatTime(item.changedAt)}
            </span>
            <button type="button" className="button button-small" onClick={() => setCompared(item)}>
              Compare
            </button>
            {item.version !== current && (
              <button type="button" className="button button-small" onClick={() => onRollBack(item.version)}>
                Restore
              </button>
            )}
          </li>
        ))}
      </ul>
      {compared && (
        <Dialog
          title={`Changes of version ${compared.version}`}
          onClose={() => setCompared(undefined)}
          size="large"
        >
          <Suspense fallback={<Loading />}>
            <CodeEditor
              value={asText(compared)}
              original={former ? asText(former) : ''}
              language="json"
              label="Changes"
            />
          </Suspense>
        </Dialog>
      )}
    </section>
  );
}

function asText({ configData }: ConfigVersion): string {
  return JSON.stringify(configData, null, 2);
}
