import type { SqlFunction } from '../sql-functions.js';

/** The paths of the stored files that the parts of a message name. A path starts with a user's id. Unreadable parts name no file. */
export const STORED_FILES: SqlFunction = {
  signature: 'switchboard.stored_files(json)',
  definition: `
  create or replace function switchboard.stored_files(parts json) returns text[]
    language plpgsql immutable set search_path = '' as $fn$
  begin
    return coalesce(
      (select array_agg(distinct part ->> 'url')
         from json_array_elements(parts) part
        where json_typeof(part) = 'object' and part ->> 'type' = 'file' and length(part ->> 'url') <= 1024
          and part ->> 'url' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.'),
      '{}');
  exception when others then
    return '{}';
  end $fn$`,
};
