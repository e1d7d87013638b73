import type { AuditEntry } from '../api/types.ts';
import { usePages } from '../api/use-pages.ts';
import { formatTime } from '../ui/format.ts';
import { Loading } from '../ui/loading.tsx';
import { usePersonNames } from './use-person-names.ts';

/** The record of what administrators have changed. */
export function Audit() {
  const nameOf = usePersonNames();
  const entries = usePages<AuditEntry>(['audit'], '/api/admin/audit?limit=50');
  if (!entries.data) return <Loading />;
  return (
    <section className="card">
      <div className="scroll" tabIndex={0} role="region" aria-label="Audit log">
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Person</th>
              <th scope="col">Action</th>
              <th scope="col">Target</th>
            </tr>
          </thead>
          <tbody>
            {entries.data.pages
              .flatMap((page) => page.items)
              .map(({ id, actor, action, target, createdAt }) => (
                <tr key={id}>
                  <td>{formatTime(createdAt)}</td>
                  <td>{actor ? nameOf(actor) : 'The system'}</td>
                  <td>{action}</td>
                  <td>{nameOf(target)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </div>
      {entries.hasNextPage && (
        <button type="button" className="link" onClick={() => void entries.fetchNextPage()}>
          Show more
        </button>
      )}
    </section>
  );
}
