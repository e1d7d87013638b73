import { Injectable } from '@nestjs/common';
import { Database } from '../../common/database/database.js';
import { InstanceLock } from '../../common/database/instance-lock.js';

/** The remains of an answer: its message, its mark of an active stream, or both. */
export interface LeftAnswer {
  messageId: string | null;
  streamId: string | null;
}

export interface Search {
  /** The streams that this instance is writing. Any other stream with its number is a leftover. */
  ownStreams: string[];
  /** Only the remains in this chat. */
  chatId?: string;
  /** Rows that cannot be closed. */
  except: string[];
  limit: number;
}

const DEAD = `
  dead as materialized (
    select instance
      from (select distinct "instanceId" as instance from "Stream" where "instanceId" <> $1) peers
     where switchboard.instance_state(instance, $1) = 'dead'
  )`;

const isDead = `
  ($4::uuid is null or stream."chatId" = $4) and stream.id <> all($5::uuid[])
  and case when stream."instanceId" = $1 then stream.id <> all($2::uuid[])
           else stream."instanceId" is null or exists (select from dead where dead.instance = stream."instanceId") end`;

/**
 * Skips locked rows before the limit applies: however many rows a user locks, the answers of other users are found. No
 * lock remains afterwards.
 */
const FIND_ANSWERS = `
  with ${DEAD}, marked as materialized (
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

/**
 * The mark decides: its instance may have woken up, and ends the answer at this moment. An answer whose mark is locked is
 * left alone. A mark is removed if its answer was closed, or was no longer being written.
 */
const closeAnswers = (change: string) => `
  with mark as materialized (
    select id from "Stream" where id = any($2::uuid[]) for update skip locked
  ), target as materialized (
    select id from "Message_v2" message
     where id = any($1::uuid[]) and status = 'streaming'
       and not exists (select from "Stream" stream
                        where stream."messageId" = message.id and stream.id not in (select mark.id from mark))
       for no key update skip locked
  ), closed as (
    update "Message_v2" message set ${change} from target where message.id = target.id returning message.id
  ), removed as (
    delete from "Stream" stream using mark
     where stream.id = mark.id
       and (stream."messageId" in (select id from closed)
            or not exists (select from "Message_v2" message
                            where message.id = stream."messageId" and message."chatId" = stream."chatId"
                              and message.status = 'streaming'))
  )
  select id from closed`;

/** Parts that were being written end with the text so far. */
const CLOSE_ANSWERS = closeAnswers(`
  status = 'interrupted',
  parts = case when message.parts::text like '%"state":"streaming"%'
               then replace(message.parts::text, '"state":"streaming"', '"state":"done"')::json
               else message.parts end`);

/** For parts that PostgreSQL can store but not read. */
const CLOSE_AS_THEY_ARE = closeAnswers(`status = 'interrupted'`);

/** For a row that breaks a rule that was added after it. */
const CLOSE_EMPTIED = closeAnswers(`
  status = 'failed', parts = '[]', attachments = '[]', metadata = null, model_used = null,
  "createdAt" = case when isfinite(message."createdAt") then message."createdAt" else now() end`);

/** An instance that lives again has a newer beat, and keeps its row. */
const FORGET_INSTANCES = `
  delete from switchboard.instances where id in (
    select id from switchboard.instances peer
     where peer.beat_at < clock_timestamp() - interval '3 seconds' and switchboard.instance_state(peer.id, $1) = 'dead'
       and not exists (select from "Stream" stream where stream."instanceId" = peer.id)
       and not exists (select from switchboard.runs run where run.instance_id = peer.id)
       for update skip locked)`;

/** The statements that close what dead instances have left. None of them waits for a locked row. */
@Injectable()
export class RecoveryRepository {
  constructor(
    private readonly database: Database,
    private readonly instance: InstanceLock,
  ) {}

  /** Answers that no instance is writing any more, and marks of answers that have ended. */
  async findAnswers({ ownStreams, chatId = undefined, except, limit }: Search): Promise<LeftAnswer[]> {
    return this.run(FIND_ANSWERS, [this.instance.instanceId, ownStreams, limit, chatId ?? null, except]);
  }

  /** @returns the number of closed answers */
  async closeAnswers(answers: LeftAnswer[]): Promise<number> {
    return (await this.run(CLOSE_ANSWERS, idsOf(answers))).length;
  }

  /** Closes an answer that {@link closeAnswers} cannot close, and keeps as much of it as possible. */
  async forceAnswer(answer: LeftAnswer): Promise<number> {
    const closed = await this.run(CLOSE_AS_THEY_ARE, idsOf([answer])).catch(() =>
      this.run(CLOSE_EMPTIED, idsOf([answer])),
    );
    return closed.length;
  }

  /** Removes the rows of dead instances that have left nothing any more. */
  async forgetInstances(): Promise<void> {
    await this.run(FORGET_INSTANCES, [this.instance.instanceId]);
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
