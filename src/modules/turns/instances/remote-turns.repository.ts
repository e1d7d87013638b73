import { Injectable } from '@nestjs/common';
import { Database } from '../../../common/database/database.js';
import { InstanceLock } from '../../../common/database/instance-lock.js';
import { isFollowed } from './answer-readers.repository.js';
import { STOP_CHANNEL } from './instance.repository.js';

/** Which answers of a user to stop: those of one chat, or all. */
export interface StopScope {
  userId: string;
  chatId?: string;
  /** Only answers that nobody reads, on any instance. */
  isUnread?: boolean;
}

export interface AskedStream {
  id: string;
  /** The instance that writes it. */
  instance: number;
}

/** The mark carries the request, and the notification only says that there is one. So no request is lost with a connection. */
const ASK_TO_STOP = `
  with asked as (
    update "Stream" stream set "isStopping" = true from chat
     where chat.id = stream."chatId" and chat.user_id = $1 and ($2::uuid is null or chat.id = $2)
       and stream."instanceId" <> $3
       and ($4 or stream."isUnread" and not ${isFollowed('stream', '$3')})
    returning stream.id, stream."instanceId" as instance
  ), told as materialized (
    select pg_notify('${STOP_CHANNEL}', instance::text) from (select distinct instance from asked) owners
  )
  select asked.id, asked.instance from asked where (select count(*) from told) >= 0`;

const IS_ANSWERING = `
  select exists (select from "Stream" stream join chat on chat.id = stream."chatId"
                  where chat.id = $2 and chat.user_id = $1) as "isAnswering"`;

const STILL_MARKED = 'select id from "Stream" where id = any($1::uuid[])';

/** The statements about answers that other instances are writing. They run as the service, with the user as a condition. */
@Injectable()
export class RemoteTurnsRepository {
  constructor(
    private readonly database: Database,
    private readonly instance: InstanceLock,
  ) {}

  /** Asks the other instances to stop their answers. @returns the streams of these answers, and who writes them */
  async askToStop({ userId, chatId, isUnread = false }: StopScope): Promise<AskedStream[]> {
    const parameters = [userId, chatId ?? null, this.instance.instanceId, !isUnread];
    const [rows] = await this.database.executeAsService([{ text: ASK_TO_STOP, parameters }], userId);
    return (rows as AskedStream[] | undefined) ?? [];
  }

  /** Whether an answer is being written in a chat of this user, on any instance. */
  async isAnswering(userId: string, chatId: string): Promise<boolean> {
    const [rows] = await this.database.executeAsService(
      [{ text: IS_ANSWERING, parameters: [userId, chatId] }],
      userId,
    );
    return (rows as Array<{ isAnswering: boolean }> | undefined)?.[0]?.isAnswering ?? false;
  }

  /** @returns those of the streams that have not ended yet */
  async findMarked(streamIds: string[]): Promise<string[]> {
    const [rows] = await this.database.executeAsService([{ text: STILL_MARKED, parameters: [streamIds] }]);
    return (rows as Array<{ id: string }> | undefined)?.map(({ id }) => id) ?? [];
  }
}
