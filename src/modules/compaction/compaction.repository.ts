import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import { ADVISORY_LOCKS } from '../../common/database/advisory-locks.js';
import { Database } from '../../common/database/database.js';
import { InstanceLock } from '../../common/database/instance-lock.js';
import type { ConversationSummary } from '../agents/prompt/conversation-summary.js';

/** The position of a message in its chat. */
export interface Position {
  at: Date;
  id: string;
}

/** A message without its content. Its files are counted and not measured. */
export interface MeasuredMessage extends Position {
  role: 'user' | 'assistant';
  characters: number;
  bytes: number;
  files: number;
}

/** A message to summarize. */
export interface WrittenMessage extends Position {
  role: 'user' | 'assistant';
  /** Any JSON, without the content of files. */
  parts: unknown;
}

export interface StoredSummary extends ConversationSummary {
  throughAt: Date;
  /** An estimate. */
  tokens: number;
}

/** A compaction that this instance may write. */
export interface Claim {
  chatId: string;
  token: string;
  through: Position;
}

/** The seconds after which a compaction that still has not ended is no longer waited for. */
const PATIENCE = 900;
/** The seconds until the next attempt after a failure, doubled with each further failure. */
const FIRST_WAIT = 60;
const LONGEST_WAIT = 86_400;

/** The number of characters of a URL that is kept: the content of a file is longer. */
const ADDRESS_LENGTH = 2_000;
/** Messages up to this size are not searched for files. */
const SMALL = 4_096;

const SUMMARY = `
  select through_at, through_id, content, tokens from switchboard.chat_summaries where chat_id = $1`;

/** The latest messages after the summary, newest first. */
const MEASURE = `
  with summary as materialized (${SUMMARY}), start as materialized (
    select coalesce((select through_at from summary), '-infinity') as at,
           coalesce((select through_id from summary), '00000000-0000-0000-0000-000000000000'::uuid) as id
  ), latest as (
    select id, role, "createdAt", parts
      from "Message_v2" message
     where "chatId" = $1 and role in ('user', 'assistant') and isfinite("createdAt")
       and "createdAt" >= (select at from start) and ("createdAt", id) > (select at, id from start)
     order by "createdAt" desc, id desc limit $2
  )
  select latest.id, latest.role, latest."createdAt" as at,
         coalesce(apart.characters, length(text.parts))::float8 as characters,
         coalesce(apart.bytes, octet_length(text.parts))::float8 as bytes,
         coalesce(apart.files, 0)::float8 as files
    from latest
   cross join lateral (select parts::text as parts offset 0) text
    left join lateral (
      select count(*) filter (where part ->> 'type' = 'file') as files,
             coalesce(sum(length(part::text)) filter (where part ->> 'type' <> 'file'), 0) as characters,
             coalesce(sum(octet_length(part::text)) filter (where part ->> 'type' <> 'file'), 0) as bytes
        from json_array_elements(case json_typeof(latest.parts) when 'array' then latest.parts else '[]' end) as part
    ) as apart on text.parts ~ '"type"\\s*:\\s*"file"'
   order by latest."createdAt" desc, latest.id desc`;

/** Messages in order, as many as fit. The first one is always read. */
const READ = `
  select id, role, at, parts from (
    select id, role, "createdAt" as at, shown.parts,
           sum(octet_length(shown.parts::text)) over (order by "createdAt", id rows unbounded preceding)
             - octet_length(shown.parts::text) as bytes_before
      from (
        select id, role, "createdAt", parts from "Message_v2"
         where "chatId" = $1 and role in ('user', 'assistant') and isfinite("createdAt")
           and "createdAt" >= $2 and ("createdAt", id) > ($2::timestamptz, $3::uuid)
           and "createdAt" <= $4 and ("createdAt", id) <= ($4::timestamptz, $5::uuid)
         order by "createdAt", id limit $6
      ) message
     cross join lateral (
       select case when octet_length(parts::text) <= ${SMALL} or json_typeof(parts) <> 'array' then parts else (
         select json_agg(case when json_typeof(part) = 'object' and length((part->'url')::text) > ${ADDRESS_LENGTH}
                         then json_build_object('type', part->'type', 'mediaType', part->'mediaType',
                                                'filename', part->'filename', 'url', 'left-out:'::text)
                         else part end order by place)
           from json_array_elements(parts) with ordinality as element (part, place)) end as parts
       offset 0
     ) shown
  ) sized
   where bytes_before <= $7
   order by at, id`;

/** The chat is locked before the summary, as in a turn. */
const GUARDED = `
  locked as materialized (
    select id, hashtext(id::text) & 63 as lock_number
      from public.chat where id = $1 and user_id = $2 for no key update
  ), guarded as materialized (
    select id, pg_advisory_xact_lock(${ADVISORY_LOCKS.summaries}, lock_number) from locked
  )`;

const CLAIM = `
  with ${GUARDED}
  insert into switchboard.compactions as compaction (chat_id, token, instance_id, started_at, through_at, through_id)
    select id, $3::uuid, $4::integer, now(), $5::timestamptz, $6::uuid from guarded
  on conflict (chat_id) do update
    set token = excluded.token, instance_id = excluded.instance_id, started_at = excluded.started_at,
        through_at = excluded.through_at, through_id = excluded.through_id
    where (compaction.retry_at is null or compaction.retry_at <= now())
      and (compaction.token is null or compaction.started_at < now() - interval '${PATIENCE} seconds'
           or (compaction.instance_id <> $4 and not exists (
                select from switchboard.instances peer
                 where peer.id = compaction.instance_id and peer.beat_at > clock_timestamp() - interval '10 seconds'
                   -- Behind a pooler, no instance holds a lock.
                   and (not peer.has_lock
                        or exists (select from pg_locks
                                    where locktype = 'advisory' and classid = ${ADVISORY_LOCKS.instance}
                                      and objid::text = peer.id::text and granted)))))
  returning token`;

const STORE = `
  with ${GUARDED}, claimed as (
    update switchboard.compactions compaction set started_at = now()
      from guarded where compaction.chat_id = guarded.id and compaction.token = $3::uuid
    returning compaction.chat_id
  )
  insert into switchboard.chat_summaries as summary
         (chat_id, through_at, through_id, content, tokens, context_tokens, model)
    select chat_id, $4::timestamptz, $5::uuid, $6, $7::integer, $8::integer, left($9, 200) from claimed
  on conflict (chat_id) do update
    set through_at = excluded.through_at, through_id = excluded.through_id, content = excluded.content,
        tokens = excluded.tokens, context_tokens = excluded.context_tokens, model = excluded.model, updated_at = now()
  returning summary.chat_id`;

const IS_CLAIMED = 'select from switchboard.compactions where chat_id = $1 and token = $2';

const RELEASE = 'delete from switchboard.compactions where chat_id = $1 and token = $2';

/** A canceled attempt is no failure. An earlier failure still counts. */
const ABANDON = 'update switchboard.compactions set token = null where chat_id = $1 and token = $2';

const FAIL = `
  update switchboard.compactions
     set token = null, failures = failures + 1,
         retry_at = now() + least(${LONGEST_WAIT}, ${FIRST_WAIT} * 2 ^ least(failures, 20)) * interval '1 second'
   where chat_id = $1 and token = $2
  returning failures`;

/** The statements of compaction. Messages are read as their user. Only the service writes summaries. */
@Injectable()
export class CompactionRepository {
  constructor(
    private readonly database: Database,
    private readonly instance: InstanceLock,
  ) {}

  /** The latest messages after the summary, oldest first. */
  async measure(identity: Identity, chatId: string, limit: number): Promise<MeasuredMessage[]> {
    const rows = await this.database.readAsUser(identity, (statements) =>
      statements.query<MeasuredMessage[]>(MEASURE, [chatId, limit]),
    );
    return rows.reverse();
  }

  async findSummary(identity: Identity, chatId: string): Promise<StoredSummary | undefined> {
    const rows = await this.database.readAsUser(identity, (statements) =>
      statements.query<StoredSummary[]>(
        `select through_at as "throughAt", through_id as "throughId", content, tokens from (${SUMMARY}) summary`,
        [chatId],
      ),
    );
    return rows[0];
  }

  /** The messages between two positions, oldest first, as many as fit into `bytes`. */
  read(
    identity: Identity,
    chatId: string,
    { after, through, limit, bytes }: { after?: Position; through: Position; limit: number; bytes: number },
  ): Promise<WrittenMessage[]> {
    const from = after ?? { at: new Date(0), id: '00000000-0000-0000-0000-000000000000' };
    return this.database.readAsUser(identity, (statements) =>
      statements.query<WrittenMessage[]>(READ, [
        chatId,
        ...[from.at, from.id],
        ...[through.at, through.id],
        limit,
        bytes,
      ]),
    );
  }

  /**
   * Marks the chat as being compacted up to a message. A change of such a message cancels it.
   *
   * @returns false if the chat is gone, another compaction of it is running, or the last one has failed recently
   */
  async claim(userId: string, { chatId, token, through }: Claim): Promise<boolean> {
    const parameters = [chatId, userId, token, this.instance.instanceId, through.at, through.id];
    const [rows] = await this.database.executeAsService([{ text: CLAIM, parameters }], userId);
    return (rows ?? []).length > 0;
  }

  /** @returns false if the claim is no longer valid */
  async store(
    userId: string,
    { chatId, token }: Claim,
    summary: { content: string; through: Position; tokens: number; contextTokens: number; model: string },
  ): Promise<boolean> {
    const { content, through, tokens, contextTokens, model } = summary;
    const figures = [tokens, contextTokens, model];
    const parameters = [chatId, userId, token, through.at, through.id, content, ...figures];
    const [rows] = await this.database.executeAsService([{ text: STORE, parameters }], userId);
    return (rows ?? []).length > 0;
  }

  async isClaimed({ chatId, token }: Claim): Promise<boolean> {
    const [rows] = await this.database.executeAsService([{ text: IS_CLAIMED, parameters: [chatId, token] }]);
    return (rows ?? []).length > 0;
  }

  async release({ chatId, token }: Claim): Promise<void> {
    await this.database.executeAsService([{ text: RELEASE, parameters: [chatId, token] }]);
  }

  async abandon({ chatId, token }: Claim): Promise<void> {
    await this.database.executeAsService([{ text: ABANDON, parameters: [chatId, token] }]);
  }

  /** The next attempt waits. @returns the number of failures in a row */
  async fail({ chatId, token }: Claim): Promise<number> {
    const [rows] = await this.database.executeAsService([{ text: FAIL, parameters: [chatId, token] }]);
    return (rows as Array<{ failures: number }> | undefined)?.[0]?.failures ?? 0;
  }
}
