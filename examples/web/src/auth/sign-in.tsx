import { type FormEvent, useState } from 'react';
import { useBackend } from '../api/backend.tsx';
import { describeError } from '../api/problem.ts';
import { formText } from '../ui/form-text.ts';
import { Logo } from '../ui/logo.tsx';

/** Signs in with an email address and a password, or signs up with them. */
export function SignIn() {
  const { supabase } = useBackend();
  const [isNew, setIsNew] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const [message, setMessage] = useState('');

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const credentials = { email: formText(form, 'email'), password: formText(form, 'password') };
    setIsBusy(true);
    setMessage('');
    const { data, error } = isNew
      ? await supabase.auth.signUp(credentials)
      : await supabase.auth.signInWithPassword(credentials);
    setIsBusy(false);
    if (error) setMessage(describeError(error));
    else if (!data.session)
      setMessage('Check your inbox to confirm your email address, and sign in after that.');
  }

  const action = isNew ? 'Create account' : 'Sign in';
  return (
    <main className="sign-in">
      <form className="sign-in-card" onSubmit={(event) => void submit(event)}>
        <Logo />
        <h1>{isNew ? 'Create your account' : 'Welcome back'}</h1>
        <label className="field">
          <span>Email</span>
          <input name="email" type="email" autoComplete="email" required autoFocus />
        </label>
        <label className="field">
          <span>Password</span>
          <input
            name="password"
            type="password"
            autoComplete={isNew ? 'new-password' : 'current-password'}
            minLength={isNew ? 8 : undefined}
            required
          />
        </label>
        <p role="alert" className="form-message">
          {message}
        </p>
        <button type="submit" className="button button-primary button-wide" disabled={isBusy}>
          {action}
        </button>
        <p className="sign-in-switch">
          {isNew ? 'Do you have an account?' : 'Are you new here?'}{' '}
          <button
            type="button"
            className="link"
            onClick={() => {
              setIsNew(!isNew);
              setMessage('');
            }}
          >
            {isNew ? 'Sign in' : 'Create an account'}
          </button>
        </p>
      </form>
    </main>
  );
}
