import type { Context } from './context.js';
import { isSane, sane } from './work.repository.js';

const MAX_TITLE = 2_000;
const MEGABYTE = 1024 ** 2;
const MAX_CONTENT = 32 * MEGABYTE;

/** Copies versions of documents. */
export async function copyDocuments(
  { client, legacy, work, report, target }: Context,
  from: number,
  to: number,
): Promise<void> {
  const time = legacy.time('Document', 'createdAt', 'old');
  const kind = legacy.has('Document', 'text')
    ? 'old.text::text'
    : legacy.has('Document', 'kind')
      ? 'old.kind::text'
      : `'text'`;
  const insert =
    target === undefined
      ? 'select n from judged where keep'
      : `insert into ${target}."Document" (id, "createdAt", user_id, title, content, kind)
         select judged.id, judged.created_at, judged.owner, left(old.title, ${MAX_TITLE}), old.content,
                case when kind in ('text', 'code', 'image', 'sheet') then kind else 'text' end
           from judged join ${legacy.table('Document')} old on old.id = judged.id and ${time} = judged.old_created
          where keep
         on conflict do nothing returning id, "createdAt"`;
  await client.query(
    `with judged as (
       select w.n, w.id, w.created_at, w.old_created, w.owner, ${kind} as kind, old."userId" = w.owner as is_owners,
              coalesce(u.kept, false) as owned, ${isSane('w.old_created')} as is_sane,
              coalesce(octet_length(old.content) <= ${MAX_CONTENT}, true) as fits, char_length(old.title) > ${MAX_TITLE} as is_long,
              w.created_at <> ${sane('w.old_created', 'w.created_at')} as is_moved,
              old."userId" = w.owner and coalesce(u.kept, false)
                and coalesce(octet_length(old.content) <= ${MAX_CONTENT}, true) as keep
         from ${work}.documents w
         join ${legacy.table('Document')} old on old.id = w.id and ${time} = w.old_created
         left join ${work}.users u on u.id = w.owner
        where w.n > $1 and w.n <= $2),
     inserted as (${insert}),
     kept as (
       update ${work}.documents w set kept = true from judged, inserted
        where judged.n = w.n and ${target === undefined ? 'inserted.n = w.n' : 'inserted.id = w.id and inserted."createdAt" = w.created_at'}),
     decided as (
       select judged.id, judged.old_created, decision, reason
         from judged left join inserted on ${
           target === undefined
             ? 'inserted.n = judged.n'
             : 'inserted.id = judged.id and inserted."createdAt" = judged.created_at'
         }
        cross join lateral (values
          (not owned, 'set aside', 'its user does not exist'),
          (owned and not is_owners, 'set aside', 'its document belongs to another user'),
          (owned and is_owners and not fits, 'set aside', 'its content is larger than 32 MB'),
          (keep and inserted is null, 'set aside', 'its id is taken'),
          (keep and not is_sane, 'changed', 'its time was impossible'),
          (keep and is_moved, 'changed', 'its time moved by milliseconds, to keep the order of the versions'),
          (keep and is_long, 'changed', 'its title was cut to ${MAX_TITLE} characters'),
          (keep and kind not in ('text', 'code', 'image', 'sheet'), 'changed', 'its kind was unknown, and is text')
        ) as possible (applies, decision, reason) where applies)
     insert into ${report} (table_name, row_id, document_id, decision, reason, original)
     select 'Document', old.id::text || ' ' || ${time}::text, old.id, decision, reason, row_to_json(old)
       from decided join ${legacy.table('Document')} old on old.id = decided.id and ${time} = decided.old_created`,
    [from, to],
  );
}

/** Copies suggestions. Each one belongs to the version of the document for which it was made. */
export async function copySuggestions(
  { client, legacy, work, report, target }: Context,
  from: number,
  to: number,
): Promise<void> {
  const created = legacy.time('Suggestion', 'createdAt', 'old');
  const version = legacy.time('Suggestion', 'documentCreatedAt', 'old');
  const insert =
    target === undefined
      ? 'select id from judged where refusal is null'
      : `insert into ${target}."Suggestion" (id, "documentId", "documentCreatedAt", user_id, "originalText", "suggestedText",
                                              description, "isResolved", "createdAt")
         select old.id, old."documentId", judged.version, old."userId", old."originalText", old."suggestedText",
                old.description, ${legacy.has('Suggestion', 'isResolved') ? 'old."isResolved"' : 'false'},
                ${sane(created, 'judged.version')}
           from judged join ${legacy.table('Suggestion')} old on old.id = judged.id
          where refusal is null
         on conflict do nothing returning id`;
  await client.query(
    `with judged as (
       select old.id, d.created_at as version, ${isSane(created)} as is_sane,
              case when d.n is null then 'its version of the document was not copied'
                   when not coalesce(u.kept, false) then 'its user does not exist'
                   when octet_length(old."originalText") > ${MAX_CONTENT} or octet_length(old."suggestedText") > ${MAX_CONTENT}
                        or octet_length(old.description) > ${MEGABYTE} then 'its text is too large'
              end as refusal
         from ${work}.suggestions w join ${legacy.table('Suggestion')} old on old.id = w.id
         left join ${work}.documents d on d.id = old."documentId" and d.old_created = ${version} and d.kept
         left join ${work}.users u on u.id = old."userId"
        where w.n > $1 and w.n <= $2),
     inserted as (${insert}),
     kept as (update ${work}.suggestions w set kept = true from inserted where inserted.id = w.id)
     insert into ${report} (table_name, row_id, document_id, decision, reason, original)
     select 'Suggestion', old.id::text, old."documentId",
            case when inserted.id is null then 'set aside' else 'changed' end,
            case when inserted.id is not null then 'its time was impossible' else coalesce(refusal, 'its id is taken') end,
            row_to_json(old)
       from judged join ${legacy.table('Suggestion')} old on old.id = judged.id
       left join inserted on inserted.id = judged.id
      where inserted.id is null or not is_sane`,
    [from, to],
  );
}
