import { Injectable } from '@nestjs/common';
import type { Identity } from '../../../common/auth/identity.js';
import { Database } from '../../../common/database/database.js';
import type { FinishReason } from '../../models/ending.js';
import type { MessageStatus } from '../turn.types.js';

/** The state of an answer that is stored. */
export interface StoredAnswer {
  /** Null if the message was deleted. */
  status: MessageStatus | null;
  finishReason: FinishReason | null;
  metadata: StoredMetadata | null;
  createdAt: Date;
  /** Changes whenever the message changes. */
  version: string;
  /** Any JSON: see `readParts`. Null if the version is known. */
  parts: unknown;
  title: string | null;
  /** Of the chat, if the answer has ended: see `lastContextOf`. */
  lastContext: unknown;
  /** Whether its mark is still there, so that an instance is writing it. */
  isMarked: boolean;
}

export interface StoredMetadata {
  model?: string;
  error?: { message?: string };
}

/** The last answer of a chat. */
export interface FoundAnswer extends StoredAnswer {
  messageId: string;
  /** Absent if it has ended. */
  streamId: string | null;
  /** The instance that writes it. */
  instanceId: number | null;
  model: string | null;
  questionId: string | null;
  question: unknown;
}

export interface Follow {
  messageId: string;
  streamId: string;
  version: string;
  /** Whether its parts are read when they have changed. */
  readsParts: boolean;
}

const STATE = `
  message.status, message.finish_reason as "finishReason", message.metadata, message."createdAt", message.version,
  case when message.status <> 'streaming' then chat."lastContext" end as "lastContext"`;

/**
 * Whether the last answer of a chat has ended within $3 seconds. One transaction stores the end and changes the chat. If something
 * else has changed the chat since, for example a new title, the times of the answer and of its calls say when it was written.
 */
const HAS_JUST_ENDED = `
  message.status <> 'streaming' and chat.updated_at > now() - make_interval(secs => $3)
  and (chat.xmin = message.xmin or message."createdAt" > now() - make_interval(secs => $3)
       or exists (select from usage_logs call
                   where call.chat_id = chat.id and call.metadata ->> 'messageId' = message.id::text
                     and call.response_timestamp > now() - make_interval(secs => $3)))`;

/** Copies in a new chat are older than their chat; the clocks of the server and the database may differ. */
const FIND_LAST = `
  select message.id as "messageId", stream.id as "streamId", stream."instanceId", stream.id is not null as "isMarked", ${STATE}, message.parts,
         chat.title, question.id as "questionId", question.parts as question,
         (select call ->> 'provider' || '/' || (call ->> 'model')
            from switchboard.runs run cross join jsonb_each(run.calls) as sent (call_id, call)
           where run.message_id = message.id and call -> 'metadata' ->> 'messageId' = message.id::text limit 1) as model
    from chat
    join lateral (
      select *, xmin, xmin::text as version from "Message_v2" latest
       where latest."chatId" = chat.id order by latest."createdAt" desc, latest.id desc limit 1
    ) message on message.role = 'assistant'
    left join "Stream" stream on stream."messageId" = message.id and stream."chatId" = chat.id
    left join lateral (
      select earlier.id, earlier.parts from "Message_v2" earlier
       where earlier."chatId" = chat.id and (earlier."createdAt", earlier.id) < (message."createdAt", message.id)
         and earlier.role = 'user'
       order by earlier."createdAt" desc, earlier.id desc limit 1
    ) question on stream.id is not null
   where chat.id = $1 and chat.user_id = $2
     and (stream.id is not null
          or ${HAS_JUST_ENDED} and message."createdAt" > chat."createdAt" - interval '1 minute')
   limit 1`;

const FIND_ANSWER = `
  select message.id as "messageId", stream.id as "streamId", stream.id is not null as "isMarked", ${STATE}, message.parts,
         chat.title, null as "questionId", null as question, null as model
    from chat
    join (select *, xmin::text as version from "Message_v2" where id = $3) message
         on message."chatId" = chat.id and message.role = 'assistant'
    left join "Stream" stream on stream."messageId" = message.id and stream."chatId" = chat.id
   where chat.id = $1 and chat.user_id = $2
   limit 1`;

const LOOK = `
  select followed."streamId", ${STATE}, chat.title,
         case when followed.reads_parts and message.version is distinct from followed.version
              then message.parts end as parts,
         exists (select from "Stream" stream where stream.id = followed."streamId") as "isMarked"
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[])
           as followed ("streamId", "messageId", version, reads_parts)
    left join lateral (
      select *, xmin::text as version from "Message_v2" written where written.id = followed."messageId"
    ) message on true
    left join chat on chat.id = message."chatId"`;

/** The statements that follow answers by their checkpoints. */
@Injectable()
export class FollowedAnswersRepository {
  constructor(private readonly database: Database) {}

  /**
   * The user's answer that is being written in a chat, on any instance, or that has ended lately.
   *
   * @param replayable for how many seconds after its end an answer is found
   */
  async findLast(identity: Identity, chatId: string, replayable: number): Promise<FoundAnswer | undefined> {
    const rows = await this.database.readAsUser(identity, (statements) =>
      statements.query<FoundAnswer[]>(FIND_LAST, [chatId, identity.id, replayable]),
    );
    return rows[0];
  }

  /** An answer in the user's own chat. */
  async findAnswer(identity: Identity, chatId: string, messageId: string): Promise<FoundAnswer | undefined> {
    const rows = await this.database.readAsUser(identity, (statements) =>
      statements.query<FoundAnswer[]>(FIND_ANSWER, [chatId, identity.id, messageId]),
    );
    return rows[0];
  }

  /** What has become of answers, as the service: their readers were allowed to read them. */
  async look(follows: Follow[]): Promise<Array<StoredAnswer & { streamId: string }>> {
    const parameters = [
      follows.map(({ streamId }) => streamId),
      follows.map(({ messageId }) => messageId),
      follows.map(({ version }) => version),
      follows.map(({ readsParts }) => readsParts),
    ];
    return this.database.asService((manager) =>
      manager.query<Array<StoredAnswer & { streamId: string }>>(LOOK, parameters),
    );
  }
}
