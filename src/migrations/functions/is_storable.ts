import type { SqlFunction } from '../sql-functions.js';

/** Whether JSON has at most this many bytes as text, and is not nested deeper than 128 levels. */
export const IS_STORABLE_JSONB: SqlFunction = {
  signature: 'switchboard.is_storable(jsonb, integer)',
  executableBy: ['authenticated', 'service_role'],
  definition: `
  create or replace function switchboard.is_storable(value jsonb, bytes integer) returns boolean
    language plpgsql immutable parallel safe strict set search_path = '' as $fn$
  declare
    size integer := octet_length(value::text);
  begin
    -- JSON that is shorter than the brackets of 129 levels cannot be that deep.
    return size < 258 or (size <= bytes and not jsonb_path_exists(value, 'strict $.**{129}'));
  end $fn$`,
};

/**
 * Depth is measured on `jsonb`, which does not allow NUL and unpaired surrogates. `json` can contain their escapes, but
 * has no function for depth. The escapes are removed for the measurement.
 */
export const IS_STORABLE_JSON: SqlFunction = {
  signature: 'switchboard.is_storable(json, integer)',
  executableBy: ['authenticated', 'service_role'],
  definition: `
  create or replace function switchboard.is_storable(value json, bytes integer) returns boolean
    language plpgsql immutable parallel safe strict set search_path = '' as $fn$
  declare
    size integer := octet_length(value::text);
  begin
    if size < 258 then return true; end if;
    if size > bytes then return false; end if;
    -- A separate block, because a block that catches errors costs a subtransaction.
    begin
      return not jsonb_path_exists(value::jsonb, 'strict $.**{129}');
    exception
      when untranslatable_character then
        return not jsonb_path_exists(
          regexp_replace(value::text, '\\\\u(d[89a-f][0-9a-f]{2}|0000)', '', 'gi')::jsonb, 'strict $.**{129}');
      when statement_too_complex or program_limit_exceeded then
        return false;
    end;
  end $fn$`,
};
