import type { SqlFunction } from '../sql-functions.js';

/** The metadata of a message for readers of a public chat. */
export const PUBLIC_METADATA: SqlFunction = {
  signature: 'switchboard.public_metadata(jsonb)',
  executableBy: ['switchboard_user', 'service_role'],
  definition: `
  create or replace function switchboard.public_metadata(metadata jsonb) returns jsonb
    language sql immutable set search_path = '' as $fn$
    select case when jsonb_typeof(metadata) = 'object' then (
             select jsonb_object_agg(key, value) from jsonb_each(metadata)
              where (key in ('agentType', 'model', 'finishReason', 'status', 'createdAt') and jsonb_typeof(value) = 'string')
                 or (key = 'error' and jsonb_typeof(value) = 'object'))
           end
  $fn$`,
};
