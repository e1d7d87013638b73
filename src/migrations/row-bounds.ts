/**
 * Bounds that every row keeps, so that no row can make a list, a report, the recovery of answers or an administrator's page
 * fail. They hold for all writers, operators included.
 */

/** A CHECK that a time is finite and one that every client can read. `infinity` is neither. */
export const isSane = (column: string) =>
  `check (${column} >= timestamptz '1970-01-01 00:00:00+00' and ${column} < timestamptz '9999-12-31 00:00:00+00')`;

/** A CHECK that JSON is at most `bytes` long as text, and not nested deeper than 128 levels. */
export const isStorable = (column: string, bytes: number) =>
  `check (switchboard.is_storable(${column}, ${bytes}))`;

/**
 * Depth is measured on `jsonb`, which knows no NUL and no half of a surrogate pair: `json` can hold their escapes, and says
 * nothing about depth. They are left out for the measurement.
 */
export const STORABLE_JSON = `
  create function switchboard.is_storable(value jsonb, bytes integer) returns boolean
    language plpgsql immutable parallel safe strict set search_path = '' as $fn$
  declare
    size integer := octet_length(value::text);
  begin
    -- JSON that is shorter than the brackets of 129 levels is not that deep.
    return size < 258 or (size <= bytes and not jsonb_path_exists(value, 'strict $.**{129}'));
  end $fn$;

  create function switchboard.is_storable(value json, bytes integer) returns boolean
    language plpgsql immutable parallel safe strict set search_path = '' as $fn$
  declare
    size integer := octet_length(value::text);
  begin
    if size < 258 then return true; end if;
    if size > bytes then return false; end if;
    -- A block of its own: one that catches errors costs a subtransaction.
    begin
      return not jsonb_path_exists(value::jsonb, 'strict $.**{129}');
    exception
      when untranslatable_character then
        return not jsonb_path_exists(
          regexp_replace(value::text, '\\\\u(d[89a-f][0-9a-f]{2}|0000)', '', 'gi')::jsonb, 'strict $.**{129}');
      when statement_too_complex or program_limit_exceeded then
        return false;
    end;
  end $fn$;

  revoke all on function switchboard.is_storable(jsonb, integer), switchboard.is_storable(json, integer) from public;
  grant execute on function switchboard.is_storable(jsonb, integer), switchboard.is_storable(json, integer)
    to authenticated, service_role`;
