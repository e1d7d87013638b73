import { useDownload } from '../api/download.ts';
import { KEY_FIELDS, setOwnKey, useOwnKeys } from '../api/own-keys.ts';
import { Icon } from '../ui/icon.tsx';
import { setTheme, THEMES, useTheme } from '../ui/theme.ts';
import { Password } from './password.tsx';
import { Repositories } from './repositories.tsx';

export function SettingsPage() {
  const keys = useOwnKeys();
  const theme = useTheme();
  const download = useDownload();
  return (
    <div className="page page-narrow">
      <header className="page-header">
        <h1>Settings</h1>
      </header>
      <section className="card">
        <h2>Appearance</h2>
        <div className="segments" role="group" aria-label="Theme">
          {THEMES.map((name) => (
            <button key={name} type="button" aria-pressed={name === theme} onClick={() => setTheme(name)}>
              {name[0]!.toUpperCase() + name.slice(1)}
            </button>
          ))}
        </div>
      </section>
      <section className="card">
        <h2>Your own keys</h2>
        <p className="hint">
          They stay in this browser until you sign out, and are sent with your requests. The server does not
          store them.
        </p>
        {KEY_FIELDS.map(({ header, label, hint }) => (
          <label key={header} className="field">
            <span>{label}</span>
            <input
              type="password"
              autoComplete="off"
              placeholder={hint}
              defaultValue={keys[header] ?? ''}
              onChange={(event) => setOwnKey(header, event.target.value)}
            />
          </label>
        ))}
      </section>
      <Repositories />
      <Password />
      <section className="card">
        <h2>Your data</h2>
        <p className="hint">Everything that belongs to you, in one file.</p>
        <button
          type="button"
          className="button"
          onClick={() => void download('/api/me/export?format=json', 'switchboard.json')}
        >
          <Icon name="download" size={16} />
          Download
        </button>
      </section>
    </div>
  );
}
