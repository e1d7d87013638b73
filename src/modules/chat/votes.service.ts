import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { notFound } from '../../common/errors/app-error.js';
import {
  decodeCursor,
  type Keyset,
  type Page,
  type PageQuery,
  type Stretch,
  toPage,
} from '../../common/http/paging.js';
import { toPlace } from '../../common/http/place.js';
import type { VoteDto } from './dto/vote.dto.js';
import { type VoteRow, VotesRepository } from './votes.repository.js';

const STRETCH = 500;

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
    return toPage(rows, limit, placeOf, toVote);
  }

  /**
   * The votes of own chats, chat by chat, in the order of their messages, as many as are read at a time.
   *
   * @param after where to go on in the first of the chats
   */
  async listOfChats(identity: Identity, chatIds: string[], after?: Keyset): Promise<Stretch<VoteDto>> {
    const rows = await this.database.readAsUser(identity, (statements) =>
      this.votes.findOfChats(statements, { chatIds, after, limit: STRETCH }),
    );
    const last = rows.at(-1);
    return { items: rows.map(toVote), last: last && { owner: last.chatId, at: placeOf(last) } };
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

function placeOf({ messageCreatedAt, messageId }: VoteRow): Keyset {
  return { at: toPlace(messageCreatedAt), id: messageId };
}

function toVote({ chatId, messageId, isUpvoted }: VoteRow): VoteDto {
  return { chatId, messageId, isUpvoted };
}
