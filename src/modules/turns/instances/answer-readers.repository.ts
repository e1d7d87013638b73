import { Injectable } from '@nestjs/common';
import { Database } from '../../../common/database/database.js';
import { InstanceLock } from '../../../common/database/instance-lock.js';

/** Whether an answer is read on another instance than the one that writes it. Dead instances do not count. */
export const isFollowed = (stream: string, judge: string) => `exists (
  select from switchboard.instances reader
   where reader.id = any(${stream}."followedBy") and switchboard.instance_state(reader.id, ${judge}) <> 'dead')`;

const IS_FOLLOWED = `select ${isFollowed('stream', '$2')} as "isFollowed" from "Stream" stream where stream.id = $1`;

const SET_UNREAD = `update "Stream" set "isUnread" = $2 where id = $1`;

const SET_FOLLOWED = `
  update "Stream"
     set "followedBy" = case when $2 then array_append(array_remove("followedBy", $3), $3) else array_remove("followedBy", $3) end
   where id = $1 and "instanceId" <> $3`;

/** The statements that note whether a running answer is read. They run as the service. */
@Injectable()
export class AnswerReadersRepository {
  constructor(
    private readonly database: Database,
    private readonly instance: InstanceLock,
  ) {}

  /** Whether nobody reads an answer on this instance, which writes it. */
  async setUnread(streamId: string, userId: string, isUnread: boolean): Promise<void> {
    const parameters = [streamId, isUnread];
    await this.database.executeAsService([{ text: SET_UNREAD, parameters }], userId);
  }

  /** Whether an answer that this instance writes is read on another one. */
  async isFollowed(streamId: string, userId: string): Promise<boolean> {
    const rows = await this.database.asService(
      (manager) =>
        manager.query<Array<{ isFollowed: boolean }>>(IS_FOLLOWED, [streamId, this.instance.instanceId]),
      userId,
    );
    return rows[0]?.isFollowed ?? false;
  }

  /** Whether an answer that another instance writes is read on this one. */
  async setFollowed(streamId: string, userId: string, isFollowed: boolean): Promise<void> {
    const parameters = [streamId, isFollowed, this.instance.instanceId];
    await this.database.executeAsService([{ text: SET_FOLLOWED, parameters }], userId);
  }
}
