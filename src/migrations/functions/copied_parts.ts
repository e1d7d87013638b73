import type { SqlFunction } from '../sql-functions.js';

/** The parts of a message for a copy of it. */
export const COPIED_PARTS: SqlFunction = {
  signature: 'switchboard.copied_parts(json)',
  executableBy: ['switchboard_user', 'service_role'],
  definition: `
  create or replace function switchboard.copied_parts(parts json) returns json
    language plpgsql immutable set search_path = '' as $fn$
  begin
    return coalesce(
      (select json_agg(copy order by place)
         from (select switchboard.copied_part(part) as copy, place
                 from json_array_elements(parts) with ordinality element (part, place)) copies
        where copy is not null),
      '[]');
  exception when others then
    return '[]';
  end $fn$`,
};
