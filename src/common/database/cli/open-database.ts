/** The database that a command works on. */
export interface CommandDatabase {
  url: string;
  /** The variable that has the URL. Undefined for the embedded stack. */
  variable?: 'DIRECT_URL' | 'DATABASE_URL';
  close(): Promise<void>;
}

/**
 * The database of `DIRECT_URL` or, if that is not set, of `DATABASE_URL`. Without either, the one of the embedded stack:
 * the running PostgreSQL, or one that is started for the command.
 *
 * @throws Error with one line that says what to do
 */
export async function openCommandDatabase(): Promise<CommandDatabase> {
  for (const variable of ['DIRECT_URL', 'DATABASE_URL'] as const) {
    const url = process.env[variable]?.trim();
    if (url) return { url, variable, close: () => Promise.resolve() };
  }
  if (process.env['NODE_ENV'] === 'production') {
    throw new Error('DATABASE_URL is not set. Set it to the URL of the database.');
  }
  const { openEmbeddedDatabase } = await import('../../../embedded/open-database.js');
  return openEmbeddedDatabase(process.env['DATA_DIR']?.trim() || '.data');
}
