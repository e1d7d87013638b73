import type { SqlFunction } from '../sql-functions.js';

/** The parts of a message for another user's copy. A stored file stays with its owner, so the copy only has its name. */
export const WITHOUT_FILES: SqlFunction = {
  signature: 'switchboard.without_files(json)',
  executableBy: ['switchboard_user', 'service_role'],
  definition: `
  create or replace function switchboard.without_files(parts json) returns json
    language plpgsql immutable set search_path = '' as $fn$
  begin
    return coalesce(
      (select json_agg(
                case when part ->> 'type' = 'file' and part ->> 'url' not like 'data:%'
                     then json_build_object('type', 'text', 'text',
                            format('[a file: %s]', left(coalesce(part ->> 'filename', part ->> 'mediaType'), 255)))
                     else part end
                order by place)
         from json_array_elements(parts) with ordinality element (part, place)),
      '[]');
  exception when others then
    return '[]';
  end $fn$`,
};
