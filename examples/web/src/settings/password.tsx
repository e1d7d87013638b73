import type { FormEvent } from 'react';
import { useBackend } from '../api/backend.tsx';
import { formText } from '../ui/form-text.ts';
import { useNotices } from '../ui/notices.tsx';

export function Password() {
  const { supabase } = useBackend();
  const notices = useNotices();

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const password = formText(form, 'password');
    const { error } = await supabase.auth.updateUser({ password });
    if (error) return notices.fail(error);
    form.reset();
    notices.say('The password was changed.');
  }

  return (
    <section className="card">
      <h2>Password</h2>
      <form className="inline-form" onSubmit={(event) => void submit(event)}>
        <label className="field">
          <span>New password</span>
          <input name="password" type="password" autoComplete="new-password" minLength={8} required />
        </label>
        <button type="submit" className="button">
          Change
        </button>
      </form>
    </section>
  );
}
