import type { SqlFunction } from '../sql-functions.js';

/**
 * Two versions of a document in the same millisecond are both kept: the later one gets the next free time. Nobody can
 * add a version to another user's document, or move one there. Row level security hides those rows, so the function is
 * a security definer.
 */
export const PLACE_DOCUMENT_VERSION: SqlFunction = {
  signature: 'switchboard.place_document_version()',
  definition: `
  create or replace function switchboard.place_document_version() returns trigger
    language plpgsql security definer set search_path = '' as $fn$
  declare
    latest timestamptz(3);
    owner uuid;
  begin
    perform pg_advisory_xact_lock(hashtextextended(new.id::text, 4711));
    select document."createdAt", document.user_id into latest, owner
      from public."Document" document where document.id = new.id order by document."createdAt" desc limit 1;
    if owner <> new.user_id then
      raise insufficient_privilege using message = 'the document belongs to somebody else';
    end if;
    if exists (select 1 from public."Document" document where document.id = new.id and document."createdAt" = new."createdAt") then
      new."createdAt" := latest + interval '1 millisecond';
    end if;
    return new;
  end $fn$`,
};
