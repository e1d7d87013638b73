import { useQueryClient } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { useBackend } from '../api/backend.tsx';
import { describeError } from '../api/problem.ts';
import type { Person } from '../api/types.ts';
import { usePages } from '../api/use-pages.ts';
import { Dialog } from '../ui/dialog.tsx';
import { formatTime } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { IconButton } from '../ui/icon-button.tsx';
import { useNotices } from '../ui/notices.tsx';

/** Roles, deactivation and deletion. */
export function People() {
  const { call } = useBackend();
  const queryClient = useQueryClient();
  const notices = useNotices();
  const [query, setQuery] = useState('');
  const [leaving, setLeaving] = useState<Person>();
  const q = useDeferredValue(query.trim());
  const search = new URLSearchParams({ limit: '50', ...(q && { q }) });
  const people = usePages<Person>(['people', q], `/api/admin/users?${search}`, { keepsFormer: true });

  async function change({ id }: Person, options: { method: string; body?: Partial<Person> }) {
    try {
      await call(`/api/admin/users/${id}`, options);
      setLeaving(undefined);
    } catch (error) {
      notices.fail(error);
    }
    await queryClient.invalidateQueries({ queryKey: ['people'] });
  }

  return (
    <section className="card">
      <label className="search">
        <Icon name="search" size={16} />
        <span className="visually-hidden">Search people</span>
        <input
          type="search"
          placeholder="Search people"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
      </label>
      {people.error && <p className="hint">{describeError(people.error)}</p>}
      <div className="scroll" tabIndex={0} role="region" aria-label="People">
        <table>
          <thead>
            <tr>
              <th scope="col">Email</th>
              <th scope="col">Role</th>
              <th scope="col">Active</th>
              <th scope="col" className="number">
                Chats
              </th>
              <th scope="col">Last sign-in</th>
              <th scope="col">
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {people.items.map((person) => (
              <PersonRow
                key={person.id}
                person={person}
                onChange={(body) => void change(person, { method: 'PATCH', body })}
                onDelete={() => setLeaving(person)}
              />
            ))}
          </tbody>
        </table>
      </div>
      {people.hasNextPage && (
        <button type="button" className="link" onClick={() => void people.fetchNextPage()}>
          Show more
        </button>
      )}
      {leaving && (
        <Dialog title="Delete the account?" onClose={() => setLeaving(undefined)}>
          <p>Everything that {leaving.email} owns will be gone.</p>
          <footer className="dialog-actions">
            <button type="button" className="button" onClick={() => setLeaving(undefined)} autoFocus>
              Cancel
            </button>
            <button
              type="button"
              className="button button-danger"
              onClick={() => void change(leaving, { method: 'DELETE' })}
            >
              Delete
            </button>
          </footer>
        </Dialog>
      )}
    </section>
  );
}

interface PersonRowProps {
  person: Person;
  onChange: (changes: Partial<Person>) => void;
  onDelete: () => void;
}

function PersonRow({ person, onChange, onDelete }: PersonRowProps) {
  const name = person.email ?? person.id;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        <select
          aria-label={`Role of ${name}`}
          value={person.role}
          onChange={(event) => onChange({ role: event.target.value as Person['role'] })}
        >
          <option value="user">User</option>
          <option value="admin">Administrator</option>
        </select>
      </td>
      <td>
        <input
          type="checkbox"
          aria-label={`${name} is active`}
          checked={person.isActive}
          onChange={(event) => onChange({ isActive: event.target.checked })}
        />
      </td>
      <td className="number">{person.chats}</td>
      <td>{person.lastSignInAt ? formatTime(person.lastSignInAt) : 'never'}</td>
      <td>
        <IconButton icon="trash" label={`Delete ${name}`} onClick={onDelete} />
      </td>
    </tr>
  );
}
