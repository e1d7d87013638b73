import { Readable } from 'node:stream';
import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Patch,
  Query,
  StreamableFile,
} from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { AppError, invalidField } from '../../common/errors/app-error.js';
import { toStoredId, toStoredMessageId } from '../../common/http/client-id.js';
import { encodeCursor, type Page } from '../../common/http/paging.js';
import { ChatsService } from '../chat/chats.service.js';
import type { ChatDto } from '../chat/dto/chat.dto.js';
import type { VoteDto } from '../chat/dto/vote.dto.js';
import { VotesService } from '../chat/votes.service.js';
import type { MessageDto } from '../messages/dto/message.dto.js';
import { MessagesService } from '../messages/messages.service.js';
import { pagesOf, required } from './legacy-requests.js';

const MAX_CHATS = 50;
const PAGE = 100;

/** A chat with the columns of the old chatbot's table. */
type LegacyChat = Pick<ChatDto, 'id' | 'createdAt' | 'title' | 'userId' | 'visibility'>;

/** The old chatbot's routes for chats, messages and votes. */
@ApiExcludeController()
@Controller('api')
export class LegacyChatsController {
  constructor(
    private readonly chats: ChatsService,
    private readonly messages: MessagesService,
    private readonly votes: VotesService,
  ) {}

  @Get('history')
  async history(
    @CurrentUser() user: Identity,
    @Query() query: Record<string, unknown>,
  ): Promise<{ chats: LegacyChat[]; hasMore: boolean }> {
    const { starting_after: after, ending_before: before, limit } = query;
    if (after && before) {
      throw invalidField('', 'Only one of starting_after or ending_before can be provided.');
    }
    const count = Math.min(
      Math.max((typeof limit === 'string' ? Number.parseInt(limit, 10) : 0) || 10, 1),
      MAX_CHATS,
    );
    if (typeof after === 'string' && after !== '') return this.newerThan(user, after, count);
    const cursor = typeof before === 'string' && before !== '' ? await this.placeOf(user, before) : undefined;
    const { items, nextCursor } = await this.chats.list(user, { limit: count, cursor });
    return { chats: items.map(toLegacyChat), hasMore: nextCursor !== null };
  }

  @Delete('history')
  async deleteHistory(@CurrentUser() user: Identity): Promise<{ deletedCount: number }> {
    return { deletedCount: (await this.chats.deleteAll(user)).deleted };
  }

  @Delete('chat')
  async deleteChat(@CurrentUser() user: Identity, @Query('id') id: unknown): Promise<LegacyChat> {
    const chatId = toStoredId(user.idNamespace, required(id, 'id'), 'id');
    const chat = await this.chats.read(user, chatId);
    await this.chats.delete(user, chatId);
    return toLegacyChat(chat);
  }

  /** The whole chat in one response, which is sent while it is read. */
  @Get('messages')
  @Header('content-type', 'application/json; charset=utf-8')
  async list(@CurrentUser() user: Identity, @Query('chatId') id: unknown): Promise<StreamableFile> {
    const chatId = toStoredId(user.idNamespace, required(id, 'chatId'), 'chatId');
    const chat = await this.find(user, chatId);
    const state = {
      visibility: chat?.visibility ?? 'private',
      userId: chat?.userId ?? null,
      isReadonly: chat !== undefined && !chat.isOwner,
    };
    const first = chat ? await this.messages.list(user, chatId, { limit: PAGE }) : undefined;
    const body = Readable.from(this.write(user, chatId, state, first));
    return new StreamableFile(body, { type: 'application/json; charset=utf-8' });
  }

  @Get('vote')
  async listVotes(@CurrentUser() user: Identity, @Query('chatId') id: unknown): Promise<VoteDto[]> {
    const chatId = toStoredId(user.idNamespace, required(id, 'chatId'), 'chatId');
    const votes: VoteDto[] = [];
    for await (const page of pagesOf((cursor) => this.votes.list(user, chatId, { limit: PAGE, cursor }))) {
      votes.push(...page);
    }
    return votes;
  }

  @Patch('vote')
  @HttpCode(200)
  @Header('content-type', 'text/plain; charset=utf-8')
  async vote(@CurrentUser() user: Identity, @Body() body: Record<string, unknown>): Promise<string> {
    const chatId = toStoredId(user.idNamespace, required(body?.['chatId'], 'chatId'), 'chatId');
    const messageId = required(body['messageId'], 'messageId');
    const { type } = body;
    if (type !== 'up' && type !== 'down') throw invalidField('type', 'must be up or down');
    const storedId = toStoredMessageId(user.idNamespace, chatId, messageId, 'messageId');
    await this.votes.put(user, chatId, storedId, type === 'up');
    return 'Message voted';
  }

  /** For a missing chat, the old chatbot answers as for an empty one: this is how it opens new chats. */
  private async find(user: Identity, chatId: string): Promise<ChatDto | undefined> {
    try {
      return await this.chats.read(user, chatId);
    } catch (error) {
      if (error instanceof AppError && error.status === 404) return undefined;
      throw error;
    }
  }

  private async *write(
    user: Identity,
    chatId: string,
    state: object,
    first: Page<MessageDto> | undefined,
  ): AsyncGenerator<string> {
    yield '{"messages":[';
    let separator = '';
    for (let page = first; page;) {
      for (const message of page.items) {
        yield separator + JSON.stringify(toLegacyMessage(message));
        separator = ',';
      }
      page =
        page.nextCursor === null
          ? undefined
          : await this.messages.list(user, chatId, { limit: PAGE, cursor: page.nextCursor });
    }
    yield `],${JSON.stringify(state).slice(1)}`;
  }

  /** The newest chats, down to a given one, which is excluded. */
  private async newerThan(
    user: Identity,
    id: string,
    limit: number,
  ): Promise<{ chats: LegacyChat[]; hasMore: boolean }> {
    const chat = await this.chats.read(user, toStoredId(user.idNamespace, id, 'starting_after'));
    const { items } = await this.chats.list(user, { limit: limit + 1 });
    const newer = items.filter(({ createdAt }) => createdAt > chat.createdAt);
    return { chats: newer.slice(0, limit).map(toLegacyChat), hasMore: newer.length > limit };
  }

  private async placeOf(user: Identity, id: string): Promise<string> {
    const chat = await this.chats.read(user, toStoredId(user.idNamespace, id, 'ending_before'));
    return encodeCursor({ at: chat.createdAt, id: chat.id });
  }
}

function toLegacyChat({ id, createdAt, title, userId, visibility }: ChatDto): LegacyChat {
  return { id, createdAt, title, userId, visibility };
}

function toLegacyMessage({ id, role, parts, createdAt }: MessageDto): object {
  return { id, role, parts, metadata: { createdAt } };
}
