import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useBackend } from '../api/backend.tsx';
import { describeError } from '../api/problem.ts';
import type { Config, JsonObject } from '../api/types.ts';
import { Loading } from '../ui/loading.tsx';
import { useNotices } from '../ui/notices.tsx';
import { ConfigHistory } from './config-history.tsx';
import { ConfigTest } from './config-test.tsx';
import type { JsonSchema } from './json-schema.ts';
import { SchemaForm } from './schema-form.tsx';

/** Each saved change is a new version, and takes effect at once. */
export function ConfigEditor({ config: { configKey, configData, version } }: { config: Config }) {
  const { call } = useBackend();
  const queryClient = useQueryClient();
  const notices = useNotices();
  const [data, setData] = useState<JsonObject>(configData);
  const [error, setError] = useState('');
  const path = `/api/admin/config/${configKey}`;
  const schema = useQuery({
    queryKey: ['config-schema', configKey],
    queryFn: () => call<JsonSchema>(`${path}/schema`),
    staleTime: Infinity,
  });

  async function save(work: () => Promise<unknown>) {
    setError('');
    try {
      await work();
      await queryClient.invalidateQueries({ queryKey: ['configs'] });
      notices.say('The configuration was saved.');
    } catch (failure) {
      setError(describeError(failure));
    }
  }

  if (!schema.data) return <Loading />;
  return (
    <>
      <form
        className="card"
        onSubmit={(event) => {
          event.preventDefault();
          // Another administrator's change must not be overwritten unseen.
          const headers = { 'if-match': `"${version}"` };
          void save(() => call(path, { method: 'PUT', body: { configData: data }, headers }));
        }}
      >
        <header className="card-header">
          <h2>{configKey}</h2>
          <span className="hint">Version {version}</span>
        </header>
        <SchemaForm schema={schema.data} value={data} onChange={setData} />
        <p role="alert" className="form-message">
          {error}
        </p>
        <div className="dialog-actions sticky-actions">
          <button type="submit" className="button button-primary" disabled={data === configData}>
            Save
          </button>
        </div>
      </form>
      {/_agent/.test(configKey) && <ConfigTest path={path} />}
      <ConfigHistory
        path={path}
        current={version}
        onRollBack={(former) =>
          void save(() => call(`${path}/rollback`, { method: 'POST', body: { version: former } }))
        }
      />
    </>
  );
}
