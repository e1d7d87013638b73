import type { SqlFunction } from '../sql-functions.js';

/**
 * The namespace for a user's client-chosen ids. Nobody else can compute it. Otherwise an attacker could use the ids of
 * other users first.
 */
export const ID_NAMESPACE: SqlFunction = {
  signature: 'switchboard.id_namespace(uuid)',
  definition: `
  create or replace function switchboard.id_namespace(for_user uuid) returns uuid language sql stable set search_path = '' as $fn$
    -- With the version (8: custom) and the variant of a UUID.
    select encode(set_byte(set_byte(bytes, 6, get_byte(bytes, 6) & 15 | 128), 8, get_byte(bytes, 8) & 63 | 128), 'hex')::uuid
      from switchboard.client_id_secret, substring(sha256(secret || uuid_send(for_user)) from 1 for 16) as bytes
  $fn$`,
};
