import type { MigrationInterface, QueryRunner } from 'typeorm';
import { CONFIG_SCHEMAS_1764000000007 } from './1764000000007-config-schemas.js';

/**
 * Whoever writes `admin_config`, by whatever road: what breaks the schema of its key is refused, each version is kept in
 * a history, and an audit log says who did it. All of it stands in a schema that the Data API does not expose.
 */
export class ConfigHistory1764000000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(VALIDATION);
    await runner.query(ACTOR);
    await runner.query(CHECK);
    await runner.query(RECORD);
    await runner.query(RIGHTS);
    await runner.query(
      `insert into switchboard.config_schemas (config_key, schema) select key, value from jsonb_each($1::jsonb)`,
      [JSON.stringify(CONFIG_SCHEMAS_1764000000007)],
    );
    await runner.query(PRESENT_VERSIONS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop trigger admin_config_history on public.admin_config;
      drop trigger admin_config_check on public.admin_config;
      drop function switchboard.record_config();
      drop function switchboard.check_config();
      drop function switchboard.current_actor();
      drop function switchboard.schema_problem(jsonb, jsonb, text);
      drop table switchboard.audit_log, switchboard.config_history, switchboard.config_schemas`);
  }
}

/** Who did something is still known when they are gone: neither of these refers to auth.users. */
const TABLES = `
  create table switchboard.config_schemas (
    config_key varchar(128) primary key,
    schema jsonb not null
  );

  create table switchboard.config_history (
    id uuid primary key default gen_random_uuid(),
    config_key varchar(128) not null,
    version integer not null,
    action varchar(16) not null check (action in ('created', 'updated', 'rolled_back', 'deleted')),
    config_data jsonb check ((config_data is null) = (action = 'deleted')),
    restored_version integer,
    changed_by uuid,
    changed_at timestamptz(3) not null default clock_timestamp(),
    unique (config_key, version)
  );

  create table switchboard.audit_log (
    id uuid primary key default gen_random_uuid(),
    actor uuid,
    action varchar(64) not null,
    target varchar(256) not null,
    details jsonb not null default '{}',
    created_at timestamptz(3) not null default clock_timestamp()
  );
  create index idx_audit_log_created on switchboard.audit_log (created_at desc, id desc);
  create index idx_audit_log_actor on switchboard.audit_log (actor, created_at desc, id desc)`;

const VALIDATION = `
  -- What is wrong with a value by a JSON Schema, or null; it knows the keywords that config_schemas has.
  create function switchboard.schema_problem(schema jsonb, value jsonb, path text) returns text
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
  end $fn$`;

const ACTOR = `
  -- Whom the statement is made for: the user of the claims. Null for an operator, and for claims of nobody we know.
  create function switchboard.current_actor() returns uuid
    language plpgsql stable set search_path = '' as $fn$
  begin
    return (select users.id from auth.users where users.id = auth.uid());
  exception when others then
    return null;
  end $fn$`;

/** Security definer: whoever may write the configuration need not be able to read schemas, users and history. */
const CHECK = `
  create function switchboard.check_config() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  declare
    rules jsonb;
    problem text;
  begin
    if tg_op = 'UPDATE' then
      if new.config_key <> old.config_key then
        raise check_violation using message = 'the key of a configuration does not change';
      end if;
      new.version := old.version;
      -- What was stored before there was this check can still lose the user who stored it.
      if new.config_data is not distinct from old.config_data then return new; end if;
    end if;
    select schema into rules from switchboard.config_schemas where config_key = new.config_key;
    if rules is null and new.config_key ~ '_agent(_|$)' then
      raise check_violation using message = format('there is no configuration %s', new.config_key);
    end if;
    problem := switchboard.schema_problem(rules, new.config_data, 'configData');
    if problem is not null then
      raise check_violation using message = format('%s: %s', new.config_key, problem);
    end if;
    if tg_op = 'INSERT' then
      new.version := 1 + coalesce(
        (select max(version) from switchboard.config_history where config_key = new.config_key), 0);
      new.updated_by := coalesce(switchboard.current_actor(), new.updated_by);
    else
      -- Who changed it last has not changed it this time, unless the statement says so.
      new.updated_by := coalesce(switchboard.current_actor(), nullif(new.updated_by, old.updated_by));
    end if;
    return new;
  end $fn$;
  -- By its name it runs before the trigger that counts the version.
  create trigger admin_config_check before insert or update on public.admin_config
    for each row execute function switchboard.check_config()`;

const RECORD = `
  create function switchboard.record_config() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  declare
    restored integer := nullif(current_setting('switchboard.restored_version', true), '')::integer;
    happened text := case when tg_op = 'DELETE' then 'deleted' when restored is not null then 'rolled_back'
                          when tg_op = 'INSERT' then 'created' else 'updated' end;
    changed_key text := coalesce(new.config_key, old.config_key);
    changed_version integer := coalesce(new.version, old.version + 1);
    author uuid := case when tg_op = 'DELETE' then switchboard.current_actor() else new.updated_by end;
  begin
    if tg_op = 'UPDATE' and new.config_data is not distinct from old.config_data then return null; end if;
    if tg_op = 'DELETE' then restored := null; end if;
    insert into switchboard.config_history
      (config_key, version, action, config_data, restored_version, changed_by)
    values (changed_key, changed_version, happened, new.config_data, restored, author);
    insert into switchboard.audit_log (actor, action, target, details)
    values (author, 'config.' || happened, changed_key, jsonb_strip_nulls(jsonb_build_object(
      'version', changed_version,
      'restoredVersion', restored,
      'changed', (
        select coalesce(jsonb_agg(field order by field), '[]')
          from (select jsonb_object_keys(case jsonb_typeof(old.config_data) when 'object' then old.config_data else '{}' end)
                union
                select jsonb_object_keys(case jsonb_typeof(new.config_data) when 'object' then new.config_data else '{}' end)
               ) as fields (field)
         where old.config_data -> field is distinct from new.config_data -> field))));
    return null;
  end $fn$;
  create trigger admin_config_history after insert or update or delete on public.admin_config
    for each row execute function switchboard.record_config()`;

/** Administrators read what was done, and nobody rewrites it. Triggers run without a right to call their functions. */
const RIGHTS = `
  revoke all on function switchboard.schema_problem(jsonb, jsonb, text), switchboard.current_actor(),
    switchboard.check_config(), switchboard.record_config() from public;
  alter table switchboard.config_schemas enable row level security;
  alter table switchboard.config_history enable row level security;
  alter table switchboard.audit_log enable row level security;
  create policy config_history_select on switchboard.config_history for select to authenticated
    using ((select switchboard.is_admin()));
  create policy audit_log_select on switchboard.audit_log for select to authenticated
    using ((select switchboard.is_admin()));
  revoke all on switchboard.config_schemas, switchboard.config_history, switchboard.audit_log
    from public, anon, authenticated;
  grant select on switchboard.config_history, switchboard.audit_log to authenticated;
  grant select on switchboard.config_schemas, switchboard.config_history, switchboard.audit_log to service_role`;

/** The history begins with what is there. */
const PRESENT_VERSIONS = `
  insert into switchboard.config_history (config_key, version, action, config_data, changed_by, changed_at)
  select config_key, version, 'created', config_data, updated_by, updated_at from public.admin_config`;
