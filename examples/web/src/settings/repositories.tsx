import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { useBackend } from '../api/backend.tsx';
import { ownKeys } from '../api/own-keys.ts';
import type { Page, Repository } from '../api/types.ts';
import { formText } from '../ui/form-text.ts';
import { Icon } from '../ui/icon.tsx';
import { IconButton } from '../ui/icon-button.tsx';
import { useNotices } from '../ui/notices.tsx';

/** The repositories that the GitHub agent may work on. */
export function Repositories() {
  const { call } = useBackend();
  const queryClient = useQueryClient();
  const notices = useNotices();
  const { data } = useQuery({
    queryKey: ['repositories'],
    queryFn: () => call<Page<Repository>>('/api/github/repositories?active=true&limit=100'),
  });

  async function attempt(work: () => Promise<unknown>) {
    try {
      await work();
      await queryClient.invalidateQueries({ queryKey: ['repositories'] });
    } catch (error) {
      notices.fail(error);
    }
  }
  function connect(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const url = formText(form, 'url');
    const token = ownKeys()['x-github-token'];
    void attempt(async () => {
      await call('/api/github/repositories', {
        method: 'POST',
        body: { url },
        headers: token ? { 'x-github-token': token } : {},
      });
      form.reset();
    });
  }

  return (
    <section className="card">
      <h2>GitHub repositories</h2>
      <p className="hint">
        The GitHub agent works on a repository that you choose in the chat. It needs your token.
      </p>
      <ul className="rows">
        {(data?.items ?? []).map(({ id, owner, name }) => (
          <li key={id}>
            <Icon name="branch" size={16} />
            <span>
              {owner}/{name}
            </span>
            <IconButton
              icon="trash"
              label={`Disconnect ${owner}/${name}`}
              onClick={() => void attempt(() => call(`/api/github/repositories/${id}`, { method: 'DELETE' }))}
            />
          </li>
        ))}
      </ul>
      <form className="inline-form" onSubmit={connect}>
        <label className="field">
          <span>Address</span>
          <input name="url" type="url" placeholder="https://github.com/owner/name" required />
        </label>
        <button type="submit" className="button">
          Connect
        </button>
      </form>
    </section>
  );
}
