import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import { toFileName } from '../../common/http/content-disposition.js';
import { type Download, allItems, jsonArray } from '../../common/http/download.js';
import { toJsonWithout } from '../../common/http/safe-json.js';
import { MessagesService } from '../messages/messages.service.js';
import { chatHeading, messageToMarkdown } from './chat-markdown.js';
import { ChatsService } from './chats.service.js';
import type { ChatDto } from './dto/chat.dto.js';
import type { ExportFormat } from './dto/export-chat.query.js';
import type { VoteDto } from './dto/vote.dto.js';
import { VotesService } from './votes.service.js';

/** A message can be as large as a request body, so only a few are in memory at a time. */
const MESSAGES_AT_ONCE = 20;
const VOTES_AT_ONCE = 100;

/** Exports chats as downloads. They are read page by page, as fast as the client reads, without an open transaction. */
@Injectable()
export class ChatExportService {
  constructor(
    private readonly chats: ChatsService,
    private readonly messages: MessagesService,
    private readonly votes: VotesService,
  ) {}

  /** @throws AppError 404 if it is neither the user's own chat nor a public one; later failures end the download */
  async open(identity: Identity, chatId: string, format: ExportFormat): Promise<Download> {
    const chat = await this.chats.read(identity, chatId);
    const isJson = format === 'json';
    return {
      fileName: toFileName(chat.title, isJson ? 'json' : 'md', 'chat'),
      type: isJson ? 'application/json; charset=utf-8' : 'text/markdown; charset=utf-8',
      pieces: isJson ? this.json(identity, chat) : this.markdown(identity, chat),
    };
  }

  private async *json(identity: Identity, chat: ChatDto): AsyncGenerator<string> {
    yield `{"exportedAt":${JSON.stringify(new Date().toISOString())},"chat":${toJsonWithout(chat, 'lastContext')},"messages":`;
    yield* jsonArray(this.messagesOf(identity, chat));
    yield ',"votes":';
    if (chat.isOwner) yield* jsonArray(this.votesOf(identity, chat));
    else yield '[]';
    yield '}\n';
  }

  private async *markdown(identity: Identity, chat: ChatDto): AsyncGenerator<string> {
    yield chatHeading(chat);
    for await (const message of this.messagesOf(identity, chat)) yield messageToMarkdown(message);
  }

  private messagesOf(identity: Identity, { id }: ChatDto) {
    return allItems(MESSAGES_AT_ONCE, (page) => this.messages.list(identity, id, page));
  }

  private votesOf(identity: Identity, { id }: ChatDto): AsyncGenerator<VoteDto> {
    return allItems(VOTES_AT_ONCE, (page) => this.votes.list(identity, id, page));
  }
}
