import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { notFound } from '../../common/errors/app-error.js';
import {
  decodeCursor,
  type Keyset,
  type Page,
  type PageQuery,
  type OwnedPage,
  toPage,
} from '../../common/http/paging.js';
import { toCursorTime } from '../../common/http/cursor-time.js';
import type { VoteDto } from './dto/vote.dto.js';
import { type VoteRow, VotesRepository } from './votes.repository.js';

const PAGE_SIZE = 500;

/**
 * One vote per message, by the owner of the chat. Every message can be voted on, as in the Vercel chatbot. The frontend
 * decides which messages have vote buttons.
 */
@Injectable()
export class VotesService {
  constructor(
    private readonly database: Database,
    private readonly votes: VotesRepository,
  ) {}

  /**
   * The votes in the user's own chat, in the order of its messages.
   *
   * @throws AppError 404 if it is not the user's own chat
   */
  async list(identity: Identity, chatId: string, { limit, cursor }: PageQuery): Promise<Page<VoteDto>> {
    const after = decodeCursor(cursor);
    const rows = await this.database.asUser(identity, (manager) =>
      this.votes.findPage(manager, { userId: identity.id, chatId, after, limit: limit + 1 }),
    );
    if (!rows) throw notFound('The chat');
    return toPage(rows, limit, placeOf, toVote);
  }

  /**
   * The votes in the user's own chats, chat by chat, in the order of their messages. Returns as many as are read at
   * once.
   *
   * @param after where to continue in the first chat
   */
  async listOfChats(identity: Identity, chatIds: string[], after?: Keyset): Promise<OwnedPage<VoteDto>> {
    const rows = await this.database.readAsUser(identity, (statements) =>
      this.votes.findOfChats(statements, { chatIds, after, limit: PAGE_SIZE }),
    );
    const last = rows.at(-1);
    return { items: rows.map(toVote), last: last && { owner: last.chatId, at: placeOf(last) } };
  }

  /** @throws AppError 404 if the user's own chat has no such message */
  async put(identity: Identity, chatId: string, messageId: string, isUpvoted: boolean): Promise<VoteDto> {
    const place = { userId: identity.id, chatId, messageId };
    const found = await this.database.asUser(identity, (manager) =>
      this.votes.put(manager, place, isUpvoted),
    );
    if (!found) throw notFound('The message');
    return { chatId, messageId, isUpvoted };
  }

  /** @throws AppError 404 if the user's own chat has no such message; a missing vote is not an error */
  async delete(identity: Identity, chatId: string, messageId: string): Promise<void> {
    const place = { userId: identity.id, chatId, messageId };
    const found = await this.database.asUser(identity, (manager) => this.votes.delete(manager, place));
    if (!found) throw notFound('The message');
  }
}

function placeOf({ messageCreatedAt, messageId }: VoteRow): Keyset {
  return { at: toCursorTime(messageCreatedAt), id: messageId };
}

function toVote({ chatId, messageId, isUpvoted }: VoteRow): VoteDto {
  return { chatId, messageId, isUpvoted };
}
