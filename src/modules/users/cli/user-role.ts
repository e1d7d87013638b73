import { runCommand } from '../../../common/database/cli/run-command.js';
import { GuardedClient } from '../../../common/database/guarded-client.js';

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

/** `user-role <email> <user|admin>`: changes a role as an operator. */
async function setRole(url: string, [email, role]: string[]): Promise<string> {
  if (!email || !role || !ROLES.includes(role))
    throw new Error(`usage: npm run user:role -- <email> <${ROLES.join('|')}>`);
  const client = new GuardedClient({ connectionString: url });
  try {
    await client.connect();
    const { rowCount } = await client.query(SET_ROLE, [email, role]);
    if (rowCount === 0) throw new Error(`there is no user with the email address ${email}`);
    return `${email} is now ${role}`;
  } finally {
    await client.end().catch(() => undefined);
  }
}

await runCommand(async (url) => ({ lines: [await setRole(url, process.argv.slice(2))] }));
