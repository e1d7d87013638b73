import type { SqlFunction } from '../sql-functions.js';

/** Validates a value against a JSON Schema of `switchboard.config_schemas`. */
export const SCHEMA_PROBLEM: SqlFunction = {
  signature: 'switchboard.schema_problem(jsonb, jsonb, text)',
  definition: `
  -- The problem of a value according to a JSON Schema, or null. It supports the keywords that config_schemas uses.
  create or replace function switchboard.schema_problem(schema jsonb, value jsonb, path text) returns text
    language plpgsql immutable set search_path = '' as $fn$
  declare
    kind text := jsonb_typeof(value);
    expected text := schema ->> 'type';
    content text := value #>> '{}';
    problem text;
    first_problem text;
    matches integer;
    part record;
  begin
    if expected = 'integer' then
      if kind <> 'number' or content::numeric % 1 <> 0 then return path || ' must be an integer'; end if;
    elsif kind <> expected then
      return format('%s must be of type %s', path, expected);
    end if;
    if schema ? 'const' and value <> schema -> 'const' then
      return format('%s must be %s', path, schema -> 'const');
    end if;
    if schema ? 'enum' and not schema -> 'enum' @> value then
      return format('%s must be one of %s', path, schema -> 'enum');
    end if;
    if schema ? 'anyOf' then
      for part in select option from jsonb_array_elements(schema -> 'anyOf') option loop
        problem := switchboard.schema_problem(part.option, value, path);
        exit when problem is null;
        first_problem := coalesce(first_problem, problem);
      end loop;
      if problem is not null then return first_problem; end if;
    end if;

    if kind = 'number' then
      if content::numeric < (schema ->> 'minimum')::numeric then
        return format('%s must be at least %s', path, schema ->> 'minimum');
      elsif content::numeric > (schema ->> 'maximum')::numeric then
        return format('%s must be at most %s', path, schema ->> 'maximum');
      end if;
    elsif kind = 'string' then
      if char_length(content) > (schema ->> 'maxLength')::integer then
        return format('%s must have at most %s characters', path, schema ->> 'maxLength');
      elsif content !~ (schema ->> 'pattern') then
        return format('%s must match %s', path, schema ->> 'pattern');
      end if;
    elsif kind = 'array' then
      if jsonb_array_length(value) < (schema ->> 'minItems')::integer then
        return format('%s must have at least %s items', path, schema ->> 'minItems');
      elsif jsonb_array_length(value) > (schema ->> 'maxItems')::integer then
        return format('%s must have at most %s items', path, schema ->> 'maxItems');
      end if;
      if schema ? 'items' then
        for part in select item, number - 1 as index from jsonb_array_elements(value) with ordinality as _ (item, number) loop
          problem := switchboard.schema_problem(schema -> 'items', part.item, path || '.' || part.index);
          if problem is not null then return problem; end if;
        end loop;
      end if;
      if schema ? 'contains' then
        select count(*) filter (where switchboard.schema_problem(schema -> 'contains', item, path) is null)
          into matches from jsonb_array_elements(value) item;
        if matches < (schema ->> 'minContains')::integer or matches > (schema ->> 'maxContains')::integer then
          return format('%s must have from %s to %s items with %s', path,
                        schema ->> 'minContains', schema ->> 'maxContains', schema #> '{contains,properties}');
        end if;
      end if;
      if schema ? 'x-unique-by' then
        select count(*) - count(distinct (select jsonb_agg(item -> property order by property)
                                            from jsonb_array_elements_text(schema -> 'x-unique-by') property))
          into matches from jsonb_array_elements(value) item;
        if matches > 0 then return format('%s must not repeat %s', path, schema -> 'x-unique-by'); end if;
      end if;
    elsif kind = 'object' then
      for part in select name from jsonb_array_elements_text(coalesce(schema -> 'required', '[]')) name loop
        if not value ? part.name then return format('%s.%s is required', path, part.name); end if;
      end loop;
      for part in select key, member from jsonb_each(value) as _ (key, member) loop
        if schema -> 'properties' ? part.key then
          problem := switchboard.schema_problem(schema -> 'properties' -> part.key, part.member, path || '.' || part.key);
          if problem is not null then return problem; end if;
        elsif schema -> 'additionalProperties' = 'false' then
          return format('%s.%s is not a known field', path, part.key);
        end if;
      end loop;
    end if;
    return null;
  end $fn$`,
};
