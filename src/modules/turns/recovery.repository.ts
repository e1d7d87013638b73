import { Injectable } from '@nestjs/common';
import { ADVISORY_LOCKS } from '../../common/database/advisory-locks.js';
import { Database } from '../../common/database/database.js';
import { InstanceLock } from '../../common/database/instance-lock.js';

/** What is left of an answer: its message, its mark of an active stream, or both. */
export interface LeftAnswer {
  messageId: string | null;
  streamId: string | null;
}

export interface Search {
  /** Streams that this instance is writing; any other that bears its number is a leftover. */
  ownStreams: string[];
  /** Only what is in this chat. */
  chatId?: string;
  /** Rows that can't be closed. */
  except: string[];
  limit: number;
}

const ALIVE = `
  alive as materialized (
    select objid::text as instance from pg_locks
     where locktype = 'advisory' and classid = ${ADVISORY_LOCKS.instance} and granted
  )`;

const isDead = `
  ($4::uuid is null or stream."chatId" = $4) and stream.id <> all($5::uuid[])
  and case when stream."instanceId" = $1 then stream.id <> all($2::uuid[])
           else not exists (select from alive where alive.instance = stream."instanceId"::text) end`;

/**
 * Rows that somebody holds are left out, and do not count: however many a user locks, the answers of others are found.
 * Nothing stays locked.
 */
const FIND_ANSWERS = `
  with ${ALIVE}, marked as materialized (
    select stream.id as "streamId", message.id as "messageId"
      from "Stream" stream
      join "Message_v2" message
        on message.id = stream."messageId" and message."chatId" = stream."chatId" and message.status = 'streaming'
     where ${isDead} and message.id <> all($5::uuid[])
     limit $3 for no key update of stream, message skip locked
  ), only_marks as materialized (
    select stream.id as "streamId" from "Stream" stream
     where ${isDead}
       and not exists (select from "Message_v2" message
                        where message.id = stream."messageId" and message."chatId" = stream."chatId"
                          and message.status = 'streaming')
     limit $3 for no key update skip locked
  ), unmarked as materialized (
    select message.id as "messageId" from "Message_v2" message
     where message.status = 'streaming' and ($4::uuid is null or message."chatId" = $4)
       and message.id <> all($5::uuid[])
       and not exists (select from "Stream" stream where stream."messageId" = message.id)
     limit $3 for no key update skip locked
  )
  select "streamId", "messageId" from marked
   union all select "streamId", null from only_marks
   union all select null, "messageId" from unmarked`;

/** A mark goes when its answer is closed, or was no longer being written. */
const closeAnswers = (change: string) => `
  with target as materialized (
    select id from "Message_v2" where id = any($1::uuid[]) and status = 'streaming' for no key update skip locked
  ), closed as (
    update "Message_v2" message set ${change} from target where message.id = target.id returning message.id
  ), mark as materialized (
    select id from "Stream" where id = any($2::uuid[]) for update skip locked
  ), removed as (
    delete from "Stream" stream using mark
     where stream.id = mark.id
       and (stream."messageId" in (select id from closed)
            or not exists (select from "Message_v2" message
                            where message.id = stream."messageId" and message."chatId" = stream."chatId"
                              and message.status = 'streaming'))
  )
  select id from closed`;

/** Parts that were being written end where they are, as text. */
const CLOSE_ANSWERS = closeAnswers(`
  status = 'interrupted',
  parts = case when message.parts::text like '%"state":"streaming"%'
               then replace(message.parts::text, '"state":"streaming"', '"state":"done"')::json
               else message.parts end`);

/** For parts that PostgreSQL stores, and can't read. */
const CLOSE_AS_THEY_ARE = closeAnswers(`status = 'interrupted'`);

/** For a row that breaks a rule which is younger than it. */
const CLOSE_EMPTIED = closeAnswers(`
  status = 'failed', parts = '[]', attachments = '[]', metadata = null, model_used = null,
  "createdAt" = case when isfinite(message."createdAt") then message."createdAt" else now() end`);

/** The statements that close what dead instances have left. None of them waits for a row that somebody holds. */
@Injectable()
export class RecoveryRepository {
  constructor(
    private readonly database: Database,
    private readonly instance: InstanceLock,
  ) {}

  /** Answers that nobody writes any more, and marks of answers that have ended. */
  async findAnswers({ ownStreams, chatId = undefined, except, limit }: Search): Promise<LeftAnswer[]> {
    return this.run(FIND_ANSWERS, [this.instance.instanceId, ownStreams, limit, chatId ?? null, except]);
  }

  /** @returns how many answers it has closed */
  async closeAnswers(answers: LeftAnswer[]): Promise<number> {
    return (await this.run(CLOSE_ANSWERS, idsOf(answers))).length;
  }

  /** Closes an answer that {@link closeAnswers} fails with, with as much of it as can be kept. */
  async forceAnswer(answer: LeftAnswer): Promise<number> {
    const closed = await this.run(CLOSE_AS_THEY_ARE, idsOf([answer])).catch(() =>
      this.run(CLOSE_EMPTIED, idsOf([answer])),
    );
    return closed.length;
  }

  private async run<T>(text: string, parameters: unknown[]): Promise<T[]> {
    const [rows] = await this.database.executeAsService([{ text, parameters }]);
    return rows as T[];
  }
}

function idsOf(answers: LeftAnswer[]): [messages: string[], streams: string[]] {
  return [
    answers.flatMap(({ messageId }) => messageId ?? []),
    answers.flatMap(({ streamId }) => streamId ?? []),
  ];
}
