import type { SqlFunction } from '../sql-functions.js';

/**
 * A copy of a part has the text and the results of finished calls. Parts that are waiting (for an approval or a result)
 * stay in the original only, and a draft belongs to its document. A part that cannot be read only affects itself.
 */
export const COPIED_PART: SqlFunction = {
  signature: 'switchboard.copied_part(json)',
  executableBy: ['switchboard_user', 'service_role'],
  definition: `
  create or replace function switchboard.copied_part(part json) returns json
    language plpgsql immutable set search_path = '' as $fn$
  declare
    type text;
    state text;
  begin
    -- Not in the declaration: an error there is not caught below.
    type := part ->> 'type';
    state := part ->> 'state';
    if json_typeof(part) <> 'object' or type is null or type = 'data-draft' then return null; end if;
    if type in ('text', 'reasoning', 'file', 'reasoning-file', 'source-url', 'source-document', 'step-start')
       or type like 'data-%' then return part; end if;
    if type <> 'dynamic-tool' and type not like 'tool-%' then return null; end if;
    case state
      when 'output-available', 'output-error' then return (part::jsonb - 'approval')::json;
      when 'output-denied' then
        return ((part::jsonb - 'approval') || '{"state": "output-error", "errorText": "The call was denied."}')::json;
      else return null;
    end case;
  exception when others then
    return null;
  end $fn$`,
};
