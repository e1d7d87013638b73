import { useQuery } from '@tanstack/react-query';
import { useBackend } from '../api/backend.tsx';
import { ownKeyHeaders, useOwnKeys } from '../api/own-keys.ts';
import type { Model, Page, Repository } from '../api/types.ts';
import { AGENT_NAMES } from '../ui/format.ts';
import { AGENTS, type ChatOptions, setChatOptions, useChatOptions } from './chat-options.ts';

/** The agent and the model for the next message. */
export function OptionsBar() {
  const { call } = useBackend();
  const keys = useOwnKeys();
  const { agent, model, repositoryId } = useChatOptions();
  const models = useQuery({
    // With the user's own key, more models are available.
    queryKey: ['models', Object.keys(keys).toSorted().join()],
    queryFn: () => call<{ items: Model[] }>('/api/models', { headers: ownKeyHeaders() }),
  });
  const repositories = useQuery({
    queryKey: ['repositories'],
    queryFn: () => call<Page<Repository>>('/api/github/repositories?active=true&limit=100'),
  });
  const known = models.data?.items ?? [];
  const connected = repositories.data?.items ?? [];

  return (
    <div className="options">
      <select
        aria-label="Agent"
        value={agent}
        onChange={(event) => setChatOptions({ agent: event.target.value as ChatOptions['agent'] })}
      >
        {AGENTS.map((name) => (
          <option key={name} value={name}>
            {AGENT_NAMES[name]}
          </option>
        ))}
      </select>
      <select
        aria-label="Model"
        value={known.some(({ id }) => id === model) ? model : ''}
        onChange={(event) => setChatOptions({ model: event.target.value })}
      >
        <option value="">Default model</option>
        {known.map(({ id, name, available }) => (
          <option key={id} value={id} disabled={!available}>
            {name}
            {available ? '' : ' (no key)'}
          </option>
        ))}
      </select>
      {connected.length > 0 && (
        <select
          aria-label="Repository"
          value={connected.some(({ id }) => id === repositoryId) ? repositoryId : ''}
          onChange={(event) => setChatOptions({ repositoryId: event.target.value })}
        >
          <option value="">No repository</option>
          {connected.map(({ id, owner, name }) => (
            <option key={id} value={id}>
              {owner}/{name}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}
