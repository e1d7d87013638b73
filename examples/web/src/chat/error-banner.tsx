import { describeError } from '../api/problem.ts';
import { IconButton } from '../ui/icon-button.tsx';

interface ErrorBannerProps {
  error: Error;
  onRetry: () => void;
  onDismiss: () => void;
}

export function ErrorBanner({ error, onRetry, onDismiss }: ErrorBannerProps) {
  return (
    <div className="error-banner" role="alert">
      <p>{describeError(error)}</p>
      <button type="button" className="button button-small" onClick={onRetry}>
        Try again
      </button>
      <IconButton icon="close" label="Dismiss" onClick={onDismiss} />
    </div>
  );
}
