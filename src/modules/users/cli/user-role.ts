import { GuardedClient } from '../../../common/database/guarded-client.js';
import { loadEnvFile } from '../../../config/env-file.js';

const ROLES = ['user', 'admin'];

/** The audit log does not know the operator, but the change is recorded like any other change to a user. */
const SET_ROLE = `
  with found as (
    select id, case when raw_user_meta_data ->> 'role' = 'admin' then 'admin' else 'user' end as role
      from auth.users where lower(email) = lower($1) for update
  ), changed as (
    update auth.users
       set raw_user_meta_data = coalesce(raw_user_meta_data, '{}') || jsonb_build_object('role', $2::text)
      from found where users.id = found.id
  ), noted as (
    insert into switchboard.audit_log (actor, action, target, details)
      select null, 'user.updated', id::text,
             jsonb_build_object('before', jsonb_build_object('role', role), 'after', jsonb_build_object('role', $2::text))
        from found where role <> $2
  )
  select id from found`;

/** `user-role <email> <user|admin>`: changes a role as an operator, on DATABASE_URL or in the embedded stack. */
async function main([email, role]: string[]): Promise<void> {
  if (!email || !role || !ROLES.includes(role))
    throw new Error(`usage: npm run user:role -- <email> <${ROLES.join('|')}>`);
  const database = await openDatabase();
  const client = new GuardedClient({ connectionString: database.url });
  try {
    await client.connect();
    const { rowCount } = await client.query(SET_ROLE, [email, role]);
    if (rowCount === 0) throw new Error(`there is no user with the email address ${email}`);
    process.stdout.write(`${email} is now ${role}\n`);
  } finally {
    await client.end().catch(() => undefined);
    await database.close();
  }
}

async function openDatabase(): Promise<{ url: string; close(): Promise<void> }> {
  const url = process.env['DIRECT_URL'] || process.env['DATABASE_URL'];
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
