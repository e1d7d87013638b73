import type pg from 'pg';
import type { Context } from './context.js';
import { sane } from './work.repository.js';

/** The email address that the old chatbot gave to accounts without a sign-up. */
const IS_GUEST = `old.email ~ '^guest-[0-9]+$'`;
const IS_ADDRESS = `old.email ~ '^[^@[:space:]]+@[^@[:space:]]+$'`;
const MAX_ADDRESS = 255;

/** The columns of auth.users and auth.identities depend on the version. */
export interface AuthColumns {
  users: ReadonlySet<string>;
  identities: ReadonlySet<string>;
}

export async function readAuthColumns(client: pg.ClientBase): Promise<AuthColumns> {
  const { rows } = await client.query<{ table: string; column: string }>(
    `select relname::text as table, attname::text as column
       from pg_attribute join pg_class on pg_class.oid = attrelid
      where relnamespace = to_regnamespace('auth') and relname in ('users', 'identities')
        and attnum > 0 and not attisdropped and attgenerated = ''`,
  );
  const of = (name: string) =>
    new Set(rows.filter(({ table }) => table === name).map(({ column }) => column));
  return { users: of('users'), identities: of('identities') };
}

/**
 * Copies accounts into the schema auth, in which only rows are created. If another account has the same email address,
 * or the address is too long, it is replaced by one that reaches nobody. The account keeps its id, its password and its
 * data.
 */
export async function copyUsers(
  context: Context,
  from: number,
  to: number,
  auth: AuthColumns,
): Promise<void> {
  const { client, legacy, work, report, target } = context;
  const has = (column: string) => legacy.has('User', column);
  const isGuest = has('isAnonymous') ? `(old."isAnonymous" or ${IS_GUEST})` : IS_GUEST;
  const isTaken = auth.users.has('email')
    ? `exists (select from auth.users other where other.email = lower(btrim(old.email)) and other.id <> old.id)`
    : 'false';
  const isHash = `coalesce(old.password ~ '^[$]2[abxy]?[$][0-9]{2}[$].{53}$', false)`;
  await client.query(
    `create temporary table if not exists legacy_user_batch (
       n bigint, id uuid, address text, hash text, guest boolean, verified boolean, name text, image text,
       created timestamptz, reasons text[])`,
  );
  await client.query('truncate pg_temp.legacy_user_batch');
  await client.query(
    `insert into pg_temp.legacy_user_batch
     select n, id,
            case when guest then null
                 when taken or place > 1 then 'duplicate-' || id || '@legacy.invalid'
                 when length(address) > ${MAX_ADDRESS} then 'overlong-' || id || '@legacy.invalid'
                 else address end,
            case when is_hash and not guest then password else '' end, guest, verified, name, image, created,
            array_remove(array[
              case when not guest and (taken or place > 1) then 'another account has this address: ' || address end,
              case when not guest and length(address) > ${MAX_ADDRESS} then 'its address is too long' end,
              case when not guest and not is_address then 'this is no address, and gets no mail: ' || left(address, 200) end,
              case when not guest and password is not null and not is_hash then 'its password is no bcrypt hash' end], null)
       from (select w.n, w.place, old.id, old.password, lower(btrim(old.email)) as address, ${isGuest} as guest,
                    ${isTaken} as taken, ${isHash} as is_hash, ${IS_ADDRESS} as is_address,
                    ${has('emailVerified') ? 'old."emailVerified"' : 'false'} as verified,
                    ${has('name') ? 'old.name' : 'null'} as name, ${has('image') ? 'old.image' : 'null'} as image,
                    ${has('createdAt') ? sane(legacy.time('User', 'createdAt', 'old'), 'now()') : 'coalesce(w.first_chat, now())'} as created
               from ${work}.users w join ${legacy.table('User')} old on old.id = w.id
              where w.n > $1 and w.n <= $2) account`,
    [from, to],
  );
  if (target !== undefined) {
    await client.query(insertUsers(auth));
    if (auth.identities.size > 0) await client.query(insertIdentities(auth));
  }
  // A password must not appear in the report, hashed or not.
  await client.query(
    `insert into ${report} (table_name, row_id, decision, reason, original)
     select 'User', batch.id::text, 'changed', reason, (to_jsonb(old) - 'password')::json
       from pg_temp.legacy_user_batch batch join ${legacy.table('User')} old on old.id = batch.id
       cross join unnest(reasons) as reason`,
  );
  await client.query(
    `update ${work}.users w set kept = true from pg_temp.legacy_user_batch batch where batch.n = w.n`,
  );
}

/** The auth server reads these as texts and fails on null. */
const TOKENS = [
  'confirmation_token',
  'recovery_token',
  'email_change',
  'email_change_token_new',
  'email_change_token_current',
  'phone_change',
  'phone_change_token',
  'reauthentication_token',
];

function insertUsers({ users }: AuthColumns): string {
  const values: Record<string, string> = {
    id: 'id',
    instance_id: `'00000000-0000-0000-0000-000000000000'::uuid`,
    aud: `'authenticated'`,
    role: `'authenticated'`,
    email: 'address',
    encrypted_password: 'hash',
    email_confirmed_at: 'case when guest then null else created end',
    is_anonymous: 'guest',
    raw_app_meta_data: `case when guest then '{}'::jsonb else '{"provider": "email", "providers": ["email"]}'::jsonb end`,
    raw_user_meta_data: `jsonb_strip_nulls(jsonb_build_object('name', name, 'avatar_url', image))`,
    created_at: 'created',
    updated_at: 'now()',
    ...Object.fromEntries(TOKENS.map((column) => [column, `''`])),
  };
  const columns = Object.keys(values).filter((column) => users.has(column));
  const changed = ['email', 'encrypted_password'].filter((column) => users.has(column));
  return `
    insert into auth.users (${columns.join(', ')})
    select ${columns.map((column) => values[column]).join(', ')} from pg_temp.legacy_user_batch
    on conflict (id) do update set ${changed.map((column) => `${column} = excluded.${column}`).join(', ')}`;
}

/** Guests have no identity, like the guests that the auth server creates. */
function insertIdentities({ identities }: AuthColumns): string {
  const values: Record<string, string> = {
    id: 'gen_random_uuid()',
    provider_id: 'id::text',
    user_id: 'id',
    provider: `'email'`,
    identity_data: `jsonb_build_object('sub', id::text, 'email', address, 'email_verified', verified, 'phone_verified', false)`,
    created_at: 'created',
    updated_at: 'now()',
  };
  const columns = Object.keys(values).filter((column) => identities.has(column));
  return `
    insert into auth.identities (${columns.join(', ')})
    select ${columns.map((column) => values[column]).join(', ')} from pg_temp.legacy_user_batch batch
     where not guest and not exists (select from auth.identities known where known.user_id = batch.id)`;
}
