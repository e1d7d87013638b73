import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { boundedRows } from '../../common/database/bounded-rows.js';
import type { SqlRunner } from '../../common/database/database.js';
import { BEFORE_ALL, type Keyset, positionsAfter } from '../../common/http/paging.js';

export interface SuggestionRow {
  id: string;
  documentId: string;
  documentCreatedAt: Date;
  userId: string;
  originalText: string;
  suggestedText: string;
  description: string | null;
  isResolved: boolean;
  createdAt: Date;
  /** In a page: whether more rows follow. */
  hasMore?: boolean;
}

/** A suggested edit to store. */
export interface NewSuggestion {
  id: string;
  originalText: string;
  suggestedText: string;
  description: string | null;
}

const COLUMNS = `
  suggestion.id, suggestion."documentId", suggestion."documentCreatedAt", suggestion.user_id as "userId",
  suggestion."originalText", suggestion."suggestedText", suggestion.description, suggestion."isResolved",
  suggestion."createdAt"`;

/** Columns of a suggestion that can be large. */
const LARGE = ['"originalText"', '"suggestedText"', 'description'];

/**
 * Every statement here sees only the user's own suggestions and documents, because of row level security. A row of
 * nulls means that the version exists but has no (more) suggestions. No row means that it does not exist.
 */
const FIND_PAGE = `
  select ${COLUMNS}, suggestion."hasMore"
    from (
      select document.id, document."createdAt" from "Document" document
       where document.id = $1 and ($2::timestamptz is null or document."createdAt" = $2)
       order by document."createdAt" desc
       limit 1
    ) version
    left join lateral ${boundedRows({
      rows: `
        select suggestion.* from "Suggestion" suggestion
         where suggestion."documentId" = version.id and suggestion."documentCreatedAt" = version."createdAt"
           and ($3::boolean is null or suggestion."isResolved" = $3)
           and (suggestion."createdAt", suggestion.id) > ($4::timestamptz, $5::uuid)
         order by suggestion."createdAt", suggestion.id
         limit $6::int + 1`,
      order: '"createdAt", id',
      texts: LARGE,
      limit: '$6',
    })} suggestion on true
   order by suggestion."createdAt", suggestion.id`;

/** `$3` and `$4` are the positions after which each version is read. */
const FIND_OF_VERSIONS = `
  select ${COLUMNS}
    from ${boundedRows({
      rows: `
        select suggestion.*, version.position
          from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::uuid[]) with ordinality
                 version (id, "createdAt", at, "suggestionId", position)
         cross join lateral (
           select suggestion.* from "Suggestion" suggestion
            where suggestion."documentId" = version.id and suggestion."documentCreatedAt" = version."createdAt"
              and (suggestion."createdAt", suggestion.id) > (version.at, version."suggestionId")
            order by suggestion."createdAt", suggestion.id
            limit $5::int
         ) suggestion
         order by version.position, suggestion."createdAt", suggestion.id
         limit $5`,
      order: 'position, "createdAt", id',
      texts: LARGE,
      limit: '$5',
      bytes: '$6::int',
    })} suggestion
   order by suggestion.position, suggestion."createdAt", suggestion.id`;

const FIND_BY_ID = `select ${COLUMNS} from "Suggestion" suggestion where suggestion.id = $1`;

const CREATE_MANY = `
  with added as (
    insert into "Suggestion"
      (id, "documentId", "documentCreatedAt", user_id, "originalText", "suggestedText", description)
    select item.id, document.id, document."createdAt", document.user_id, item.original, item.suggested, item.description
      from "Document" document
     cross join unnest($3::uuid[], $4::text[], $5::text[], $6::text[]) as item (id, original, suggested, description)
     where document.id = $1 and document."createdAt" = $2
    returning *
  )
  select ${COLUMNS} from added suggestion order by array_position($3::uuid[], suggestion.id)`;

const SET_RESOLVED = `
  with updated as (update "Suggestion" set "isResolved" = $2 where id = $1 returning *)
  select ${COLUMNS} from updated suggestion`;

const DELETE = `
  with deleted as (delete from "Suggestion" where id = $1 returning id)
  select count(*)::int as deleted from deleted`;

@Injectable()
export class SuggestionsRepository {
  /**
   * A page of the suggestions for one version of a document (the latest by default), oldest first.
   *
   * @returns undefined if there is no such version
   */
  async findPage(
    manager: EntityManager,
    {
      documentId,
      version,
      isResolved,
      after,
      limit,
    }: { documentId: string; version?: Date; isResolved?: boolean; after?: Keyset; limit: number },
  ): Promise<SuggestionRow[] | undefined> {
    const rows = await manager.query<SuggestionRow[]>(FIND_PAGE, [
      documentId,
      version ?? null,
      isResolved ?? null,
      (after ?? BEFORE_ALL).at,
      (after ?? BEFORE_ALL).id,
      limit,
    ]);
    return rows.length === 0 ? undefined : rows.filter((row) => row.id !== null);
  }

  /**
   * The suggestions for several versions, version by version, oldest first: at most `limit`, and no more than fit into
   * `bytes`, but at least one.
   *
   * @param after where to continue in the first version
   */
  findOfVersions(
    statements: SqlRunner,
    {
      versions,
      after,
      limit,
      bytes,
    }: {
      versions: Array<{ documentId: string; version: Date }>;
      after?: Keyset;
      limit: number;
      bytes: number;
    },
  ): Promise<SuggestionRow[]> {
    return statements.query<SuggestionRow[]>(FIND_OF_VERSIONS, [
      versions.map(({ documentId }) => documentId),
      versions.map(({ version }) => version),
      ...positionsAfter(versions, after),
      limit,
      bytes,
    ]);
  }

  async findById(manager: EntityManager, id: string): Promise<SuggestionRow | undefined> {
    const rows = await manager.query<SuggestionRow[]>(FIND_BY_ID, [id]);
    return rows[0];
  }

  /** Like {@link findById}, and locks the row until the transaction ends. */
  async lockById(manager: EntityManager, id: string): Promise<SuggestionRow | undefined> {
    const rows = await manager.query<SuggestionRow[]>(`${FIND_BY_ID} for update`, [id]);
    return rows[0];
  }

  /** @returns the stored suggestions in the same order, or nothing if there is no such version of the document */
  createMany(
    manager: EntityManager,
    { documentId, version }: { documentId: string; version: Date },
    suggestions: NewSuggestion[],
  ): Promise<SuggestionRow[]> {
    return manager.query<SuggestionRow[]>(CREATE_MANY, [
      documentId,
      version,
      suggestions.map(({ id }) => id),
      suggestions.map(({ originalText }) => originalText),
      suggestions.map(({ suggestedText }) => suggestedText),
      suggestions.map(({ description }) => description),
    ]);
  }

  async setResolved(
    manager: EntityManager,
    id: string,
    isResolved: boolean,
  ): Promise<SuggestionRow | undefined> {
    const rows = await manager.query<SuggestionRow[]>(SET_RESOLVED, [id, isResolved]);
    return rows[0];
  }

  /** @returns the number of deleted rows: 1 or 0 */
  async delete(manager: EntityManager, id: string): Promise<number> {
    const rows = await manager.query<Array<{ deleted: number }>>(DELETE, [id]);
    return rows[0]?.deleted ?? 0;
  }
}
