import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { notFound, streamInProgress } from '../../common/errors/app-error.js';
import {
  decodeCursor,
  type Keyset,
  keysetOf,
  newestFirst,
  type Page,
  type PageQuery,
  type OwnedPage,
  toItems,
  toPage,
} from '../../common/http/paging.js';
import { StoredFileUrls } from '../files/stored-file-urls.js';
import type { DeletedMessagesDto, MessageDto, MessageStatus } from './dto/message.dto.js';
import type { ListMessagesQuery } from './dto/list-messages.query.js';
import { toMessage } from './messages.mapper.js';
import { MessagesRepository } from './messages.repository.js';

/** The number of messages to read at once from several chats: many small ones, or a few large ones. */
const PAGE_SIZE = { limit: 100, bytes: 256 * 1024 };

@Injectable()
export class MessagesService {
  constructor(
    private readonly database: Database,
    private readonly messages: MessagesRepository,
    private readonly fileUrls: StoredFileUrls,
  ) {}

  /** Like {@link list}, with addresses of stored files, which clients can show, in place of their paths. */
  async listShown(identity: Identity, chatId: string, query: ListMessagesQuery): Promise<Page<MessageDto>> {
    const { page, ownerId } = await this.find(identity, chatId, query);
    return { ...page, items: await this.fileUrls.show(page.items, ownerId) };
  }

  /**
   * The messages of the user's own chat or a public one, oldest first.
   *
   * @throws AppError 404 if this user has no access to such a chat
   */
  async list(identity: Identity, chatId: string, query: PageQuery): Promise<Page<MessageDto>> {
    return (await this.find(identity, chatId, { ...query, order: 'asc' })).page;
  }

  private async find(
    identity: Identity,
    chatId: string,
    { limit, cursor, order }: ListMessagesQuery,
  ): Promise<{ page: Page<MessageDto>; ownerId: string }> {
    const after = decodeCursor(cursor);
    const page = { userId: identity.id, chatId, after, limit, order };
    const find = (source: 'own' | 'public') =>
      this.database.readAsUser(identity, (statements) => this.messages.findPage(statements, source, page));
    const own = await find('own');
    const rows = own ?? (await find('public'));
    if (!rows) throw notFound('The chat');
    return {
      page: toPage(rows, limit, order === 'desc' ? newestFirst : keysetOf, (row) =>
        toMessage(row, own !== undefined),
      ),
      ownerId: rows[0]?.ownerId ?? identity.id,
    };
  }

  /**
   * The messages of the user's own chats, chat by chat, oldest first. Returns as many as should be in memory at once.
   * Other chats, including public ones, have no messages here.
   *
   * @param after where to continue in the first chat
   */
  async listOfChats(identity: Identity, chatIds: string[], after?: Keyset): Promise<OwnedPage<MessageDto>> {
    const rows = await this.database.readAsUser(identity, (statements) =>
      this.messages.findOfChats(statements, { chatIds, after, ...PAGE_SIZE }),
    );
    const last = rows.at(-1);
    return {
      items: toItems(
        rows,
        (row) => toMessage(row, true),
        ({ id }) => id,
      ),
      last: last && { owner: last.chatId, at: keysetOf(last) },
    };
  }

  /**
   * Deletes a message in the user's own chat and all later ones.
   *
   * @throws AppError 404 if there is no such message, 409 while an answer is being generated in the chat
   */
  async deleteFrom(identity: Identity, chatId: string, messageId: string): Promise<DeletedMessagesDto> {
    const result = await this.database.asUser(identity, (manager) =>
      this.messages.deleteFrom(manager, { userId: identity.id, chatId, messageId }),
    );
    if (!result) throw notFound('The message');
    if (result.isStreaming) throw streamInProgress();
    return { deleted: result.deleted };
  }

  /** The status of one message in the user's own chat or a public one, or undefined if there is no such message. */
  findStatus(
    manager: EntityManager,
    place: { userId: string; chatId: string; messageId: string },
  ): Promise<MessageStatus | undefined> {
    return this.messages.findStatus(manager, place);
  }

  /** Copies the history of a readable chat, up to and including a message. Unfinished answers are omitted. */
  copyUpTo(
    manager: EntityManager,
    copy: { chatId: string; messageId: string; toChatId: string; isOwner: boolean },
  ): Promise<void> {
    return this.messages.copyUpTo(manager, copy);
  }
}
