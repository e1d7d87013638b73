import pg from 'pg';
import { loadEnvFile } from '../../../config/env-file.js';

const ROLES = ['user', 'admin'];

const SET_ROLE = `
  update auth.users set raw_user_meta_data = coalesce(raw_user_meta_data, '{}') || jsonb_build_object('role', $2::text)
   where lower(email) = lower($1)`;

/** `user-role <email> <user|admin>`: changes a role as an operator, on DATABASE_URL or in the embedded stack. */
async function main([email, role]: string[]): Promise<void> {
  if (!email || !role || !ROLES.includes(role))
    throw new Error(`usage: npm run user:role -- <email> <${ROLES.join('|')}>`);
  const database = await openDatabase();
  const client = new pg.Client({ connectionString: database.url });
  try {
    await client.connect();
    const { rowCount } = await client.query(SET_ROLE, [email, role]);
    if (rowCount === 0) throw new Error(`there is no user with the address ${email}`);
    process.stdout.write(`${email} is now ${role}\n`);
  } finally {
    await client.end().catch(() => undefined);
    await database.close();
  }
}

async function openDatabase(): Promise<{ url: string; close(): Promise<void> }> {
  const url = process.env['DATABASE_URL'];
  if (url) return { url, close: () => Promise.resolve() };
  const { openEmbeddedDatabase } = await import('../../../embedded/open-database.js');
  return openEmbeddedDatabase(process.env['DATA_DIR'] ?? '.data');
}

loadEnvFile();
try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`switchboard: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
