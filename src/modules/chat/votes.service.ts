import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { notFound } from '../../common/errors/app-error.js';
import { decodeCursor, type Page, type PageQuery, toPage } from '../../common/http/paging.js';
import type { VoteDto } from './dto/vote.dto.js';
import { VotesRepository } from './votes.repository.js';

/**
 * One vote a message, by the owner of the chat. Any of the chat's messages can be voted on, as in the Vercel chatbot:
 * which ones have thumbs is the frontend's affair.
 */
@Injectable()
export class VotesService {
  constructor(
    private readonly database: Database,
    private readonly votes: VotesRepository,
  ) {}

  /**
   * The votes of an own chat, in the order of its messages.
   *
   * @throws AppError 404 when it is not an own chat
   */
  async list(identity: Identity, chatId: string, { limit, cursor }: PageQuery): Promise<Page<VoteDto>> {
    const after = decodeCursor(cursor);
    const rows = await this.database.asUser(identity, (manager) =>
      this.votes.findPage(manager, { userId: identity.id, chatId, after, limit: limit + 1 }),
    );
    if (!rows) throw notFound('The chat');
    return toPage(
      rows,
      limit,
      (row) => ({ at: row.messageCreatedAt.toISOString(), id: row.messageId }),
      ({ chatId: id, messageId, isUpvoted }) => ({ chatId: id, messageId, isUpvoted }),
    );
  }

  /** @throws AppError 404 when there is no such message in an own chat */
  async put(identity: Identity, chatId: string, messageId: string, isUpvoted: boolean): Promise<VoteDto> {
    const place = { userId: identity.id, chatId, messageId };
    const found = await this.database.asUser(identity, (manager) =>
      this.votes.put(manager, place, isUpvoted),
    );
    if (!found) throw notFound('The message');
    return { chatId, messageId, isUpvoted };
  }

  /** @throws AppError 404 when there is no such message in an own chat; a vote that is not there is no error */
  async delete(identity: Identity, chatId: string, messageId: string): Promise<void> {
    const place = { userId: identity.id, chatId, messageId };
    const found = await this.database.asUser(identity, (manager) => this.votes.delete(manager, place));
    if (!found) throw notFound('The message');
  }
}
