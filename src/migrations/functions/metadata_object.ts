import type { SqlFunction } from '../sql-functions.js';

/** Metadata of a user as an object, for the role guard. */
export const METADATA_OBJECT: SqlFunction = {
  signature: 'switchboard.metadata_object(jsonb)',
  definition: `
  -- Metadata as an object, whatever a client wrote. An object inside a JSON string counts as that object.
  create or replace function switchboard.metadata_object(metadata jsonb) returns jsonb
    language plpgsql immutable set search_path = '' as $fn$
  declare
    inner_value jsonb;
  begin
    if jsonb_typeof(metadata) = 'object' then return metadata; end if;
    if jsonb_typeof(metadata) = 'string' then
      begin
        inner_value := (metadata #>> '{}')::jsonb;
        if jsonb_typeof(inner_value) = 'object' then return inner_value; end if;
      exception when others then
        null;
      end;
    end if;
    return '{}'::jsonb;
  end $fn$`,
};
