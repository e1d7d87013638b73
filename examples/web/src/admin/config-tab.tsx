import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useBackend } from '../api/backend.tsx';
import { describeError } from '../api/problem.ts';
import type { Config, Page } from '../api/types.ts';
import { Loading } from '../ui/loading.tsx';
import { ConfigEditor } from './config-editor.tsx';

/** The configurations, and the one that is being edited. */
export function ConfigTab() {
  const { call } = useBackend();
  const [chosen, setChosen] = useState('');
  const configs = useQuery({
    queryKey: ['configs'],
    queryFn: () => call<Page<Config>>('/api/admin/config?limit=100'),
  });
  if (configs.error) return <p className="hint">{describeError(configs.error)}</p>;
  if (!configs.data) return <Loading />;
  const { items } = configs.data;
  const current = items.find(({ configKey }) => configKey === chosen) ?? items[0];
  return (
    <div className="config">
      <label className="field">
        <span>Configuration</span>
        <select value={current?.configKey} onChange={(event) => setChosen(event.target.value)}>
          {items.map(({ configKey }) => (
            <option key={configKey}>{configKey}</option>
          ))}
        </select>
      </label>
      {current && <ConfigEditor key={`${current.configKey}-${current.version}`} config={current} />}
    </div>
  );
}
