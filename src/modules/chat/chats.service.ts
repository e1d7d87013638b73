import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { conflict, notFound, streamInProgress, validationFailed } from '../../common/errors/app-error.js';
import { decodeCursor, newestFirst, type Page, toPage } from '../../common/http/paging.js';
import { DEFAULT_TITLE } from '../turns/turn.types.js';
import { TurnService } from '../turns/turn.service.js';
import { MessagesService } from '../messages/messages.service.js';
import { toChat, toChatMetadata, toChatWithContext } from './chat.mapper.js';
import { ChatsRepository, type ReadableChatRow } from './chats.repository.js';
import type { ChatMetadataDto, ListAllChatsQuery } from './dto/admin-chats.dto.js';
import type { ChatDto, ChatWithContextDto, DeletedDto } from './dto/chat.dto.js';
import type { CreateChatDto } from './dto/create-chat.dto.js';
import type { ListChatsQuery } from './dto/list-chats.query.js';
import type { UpdateChatDto } from './dto/update-chat.dto.js';
import { ChatSearchRepository, toSearch } from './search/chat-search.repository.js';

/** Chats for their owner, or for a reader of a public chat. Chat ids are stored ids. */
@Injectable()
export class ChatsService {
  constructor(
    private readonly database: Database,
    private readonly chats: ChatsRepository,
    private readonly searches: ChatSearchRepository,
    private readonly messages: MessagesService,
    private readonly turns: TurnService,
  ) {}

  /** The user's own chats, newest first. */
  async list(identity: Identity, { q, visibility, limit, cursor }: ListChatsQuery): Promise<Page<ChatDto>> {
    const filter = {
      userId: identity.id,
      visibility,
      after: decodeCursor(cursor),
      limit,
    };
    const rows = await this.database.readAsUser(identity, (statements) =>
      q
        ? this.searches.findPage(statements, { ...filter, search: toSearch(q) })
        : this.chats.findPage(statements, filter),
    );
    return toPage(rows, limit, newestFirst, (row) => toChat(row, identity.id));
  }

  /** All chats that the identity may see, newest first. Administrators see the chats of all users. */
  async listAll(
    identity: Identity,
    { userId, limit, cursor }: ListAllChatsQuery,
  ): Promise<Page<ChatMetadataDto>> {
    const filter = { userId, after: decodeCursor(cursor), limit };
    const rows = await this.database.readAsUser(identity, (statements) =>
      this.chats.findAllPage(statements, filter),
    );
    return toPage(rows, limit, newestFirst, toChatMetadata);
  }

  /** @throws AppError 409 if the user already has a chat with this id, 404 if another user has it */
  async create(
    identity: Identity,
    { id = randomUUID(), title = DEFAULT_TITLE, visibility = 'private' }: CreateChatDto,
  ): Promise<ChatDto> {
    const chat = { id, userId: identity.id, title, visibility };
    return this.database.asUser(identity, async (manager) => {
      const row = await this.chats.create(manager, chat);
      if (row) return toChat(row, identity.id);
      if (await this.chats.isOwn(manager, identity.id, id))
        throw conflict('You already have a chat with this id.');
      throw notFound('The chat');
    });
  }

  /** @throws AppError 404 if it is neither the user's own chat nor a public one */
  async read(identity: Identity, chatId: string): Promise<ChatDto> {
    return toChat(await this.find(identity, chatId), identity.id);
  }

  /** The same with how full the context of its model is. */
  async readWithContext(identity: Identity, chatId: string): Promise<ChatWithContextDto> {
    return toChatWithContext(await this.find(identity, chatId), identity.id);
  }

  private async find(identity: Identity, chatId: string): Promise<ReadableChatRow> {
    const row = await this.database.readAsUser(identity, (statements) =>
      this.chats.findReadable(statements, identity.id, chatId),
    );
    if (!row) throw notFound('The chat');
    return row;
  }

  /** @throws AppError 400 if nothing would change, 404 if it is not the user's own chat */
  async update(identity: Identity, chatId: string, { title, visibility }: UpdateChatDto): Promise<ChatDto> {
    if (title === undefined && visibility === undefined) {
      throw validationFailed([
        { path: 'title', message: 'or visibility is required' },
        { path: 'visibility', message: 'or title is required' },
      ]);
    }
    const changes = { id: chatId, userId: identity.id, title, visibility };
    const row = await this.database.asUser(identity, (manager) => this.chats.update(manager, changes));
    if (!row) throw notFound('The chat');
    return toChat(row, identity.id);
  }

  /**
   * Deletes a chat. A running answer in it, and a summary that is being written, are ended first.
   *
   * @throws AppError 404 if it is not the user's own chat
   */
  async delete(identity: Identity, chatId: string): Promise<void> {
    await this.turns.stopForDeletion(identity.id, chatId);
    const deleted = await this.database.asUser(identity, (manager) =>
      this.chats.delete(manager, identity.id, chatId),
    );
    if (deleted === 0) throw notFound('The chat');
  }

  async deleteAll(identity: Identity): Promise<DeletedDto> {
    await this.turns.stopAll(identity.id);
    const deleted = await this.database.asUser(identity, (manager) =>
      this.chats.deleteAll(manager, identity.id),
    );
    return { deleted };
  }

  /**
   * Copies the history of the user's own chat or of a public one, up to and including a message, into a new private
   * chat. The figures of the copies and the totals of the new chat start at zero, because copying costs nothing.
   *
   * @throws AppError 404 if there is no such message, 409 if it is still being generated
   */
  async fork(identity: Identity, chatId: string, messageId: string): Promise<ChatDto> {
    const userId = identity.id;
    return this.database.asUser(identity, async (manager) => {
      const [source, status] = await Promise.all([
        this.chats.findReadable(manager, userId, chatId),
        this.messages.findStatus(manager, { userId, chatId, messageId }),
      ]);
      if (!source) throw notFound('The chat');
      if (status === undefined) throw notFound('The message');
      if (status === 'streaming') throw streamInProgress();
      const id = randomUUID();
      const copy = { chatId, messageId, toChatId: id, isOwner: source.userId === userId };
      // The policy of the messages must find the new chat, so it needs a separate statement before theirs. Both are
      // sent at once.
      const [row] = await Promise.all([
        this.chats.create(manager, { id, userId, title: source.title, visibility: 'private' }),
        this.messages.copyUpTo(manager, copy),
        this.chats.copySummary(manager, { chatId, toChatId: id }),
      ]);
      if (!row) throw conflict('The new chat could not be created. Try again.');
      return toChat(row, userId);
    });
  }
}
