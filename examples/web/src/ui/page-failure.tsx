import type { FallbackProps } from 'react-error-boundary';
import { describeError } from '../api/problem.ts';

/** Replaces a page that cannot be shown. The rest of the client still works. */
export function PageFailure({ error }: FallbackProps) {
  return (
    <div className="fatal" role="alert">
      <p>This page cannot be shown. {describeError(error)}</p>
      {/* After an update of the client, its old files are gone. */}
      <button type="button" className="button" onClick={() => window.location.reload()}>
        Reload
      </button>
    </div>
  );
}
