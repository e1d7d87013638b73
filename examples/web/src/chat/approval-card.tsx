import { Icon } from '../ui/icon.tsx';

interface ApprovalCardProps {
  name: string;
  input: unknown;
  onDecide: (approved: boolean) => void;
}

/** A change that the agent may only make with the user's approval. */
export function ApprovalCard({ name, input, onDecide }: ApprovalCardProps) {
  return (
    <section className="approval-card" aria-label={`Approval of ${name}`}>
      <h2>
        <Icon name="shield" />
        May the agent do this at GitHub?
      </h2>
      <p>
        <code>{name}</code>
      </p>
      <dl>
        {Object.entries((input ?? {}) as Record<string, unknown>).map(([key, value]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
          </div>
        ))}
      </dl>
      <div className="dialog-actions">
        <button type="button" className="button" onClick={() => onDecide(false)}>
          Decline
        </button>
        <button type="button" className="button button-primary" onClick={() => onDecide(true)}>
          Approve
        </button>
      </div>
    </section>
  );
}
