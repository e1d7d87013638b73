import { type FormEvent, useState } from 'react';
import { useBackend } from '../api/backend.tsx';
import { ownKeyHeaders } from '../api/own-keys.ts';
import { formText } from '../ui/form-text.ts';
import { useNotices } from '../ui/notices.tsx';
import { formatCost } from '../ui/format.ts';

interface TestResult {
  output: string;
  latencyMs: number;
  cost: number;
  model: string;
}

/** One call with the saved configuration. */
export function ConfigTest({ path }: { path: string }) {
  const { call } = useBackend();
  const notices = useNotices();
  const [result, setResult] = useState<TestResult>();
  const [isBusy, setIsBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const prompt = formText(event.currentTarget, 'prompt');
    setIsBusy(true);
    try {
      const headers = ownKeyHeaders();
      setResult(await call<TestResult>(`${path}/test`, { method: 'POST', body: { prompt }, headers }));
    } catch (error) {
      notices.fail(error);
    }
    setIsBusy(false);
  }

  return (
    <section className="card">
      <h2>Try it</h2>
      <form className="inline-form" onSubmit={(event) => void submit(event)}>
        <label className="field">
          <span>Prompt</span>
          <input name="prompt" required defaultValue="Introduce yourself." />
        </label>
        <button type="submit" className="button" disabled={isBusy}>
          {isBusy ? 'Asking…' : 'Ask'}
        </button>
      </form>
      {result && (
        <>
          <pre className="test-output" tabIndex={0}>
            {result.output}
          </pre>
          <p className="hint">
            {result.model} · {(result.latencyMs / 1_000).toFixed(1)} s · {formatCost(result.cost)}
          </p>
        </>
      )}
    </section>
  );
}
