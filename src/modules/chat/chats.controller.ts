import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  StreamableFile,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { ApiClientIdParam, toStoredId, toStoredMessageId } from '../../common/http/client-id.js';
import { toStreamableFile } from '../../common/http/download.js';
import { type Page } from '../../common/http/paging.js';
import { ChatExportService } from './chat-export.service.js';
import { ChatsService } from './chats.service.js';
import { ChatDto, ChatPageDto, DeletedDto } from './dto/chat.dto.js';
import { CreateChatDto } from './dto/create-chat.dto.js';
import { ExportChatQuery } from './dto/export-chat.query.js';
import { ForkChatDto } from './dto/fork-chat.dto.js';
import { ListChatsQuery } from './dto/list-chats.query.js';
import { UpdateChatDto } from './dto/update-chat.dto.js';

@ApiTags('Chats')
@ApiBearerAuth()
@Controller('api/chats')
export class ChatsController {
  constructor(
    private readonly chats: ChatsService,
    private readonly exports: ChatExportService,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Your chats, newest first',
    description: '`q` searches titles and the text of messages.',
  })
  @ApiOkResponse({ type: ChatPageDto })
  @ApiProblems(400)
  list(@CurrentUser() user: Identity, @Query() query: ListChatsQuery): Promise<Page<ChatDto>> {
    return this.chats.list(user, query);
  }

  @Post()
  @ApiOperation({
    summary: 'Create an empty chat',
    description:
      '`POST /api/chat` with a new id does it by itself. 409 `version_conflict` when you have a chat of this id.',
  })
  @ApiCreatedResponse({ type: ChatDto })
  @ApiProblems(400, 404, 409, 413, 415)
  create(@CurrentUser() user: Identity, @Body() { id, ...chat }: CreateChatDto): Promise<ChatDto> {
    return this.chats.create(user, {
      ...chat,
      id: id === undefined ? undefined : toStoredId(user.idNamespace, id, 'id'),
    });
  }

  @Delete()
  @ApiOperation({ summary: 'Delete all your chats' })
  @ApiOkResponse({ type: DeletedDto })
  @ApiProblems()
  deleteAll(@CurrentUser() user: Identity): Promise<DeletedDto> {
    return this.chats.deleteAll(user);
  }

  @Get(':id')
  @ApiOperation({
    summary: 'Read a chat',
    description: 'An own one, or a public one whose id is known; public chats are never listed.',
  })
  @ApiClientIdParam('id', 'The chat')
  @ApiOkResponse({ type: ChatDto })
  @ApiProblems(400, 404)
  read(@CurrentUser() user: Identity, @Param('id') id: string): Promise<ChatDto> {
    return this.chats.read(user, toStoredId(user.idNamespace, id, 'id'));
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Change the title or the visibility of an own chat' })
  @ApiClientIdParam('id', 'The chat')
  @ApiOkResponse({ type: ChatDto })
  @ApiProblems(400, 404, 413, 415)
  update(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Body() changes: UpdateChatDto,
  ): Promise<ChatDto> {
    return this.chats.update(user, toStoredId(user.idNamespace, id, 'id'), changes);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete an own chat with its messages and votes' })
  @ApiClientIdParam('id', 'The chat')
  @ApiNoContentResponse({ description: 'It is gone.' })
  @ApiProblems(400, 404)
  delete(@CurrentUser() user: Identity, @Param('id') id: string): Promise<void> {
    return this.chats.delete(user, toStoredId(user.idNamespace, id, 'id'));
  }

  @Post(':id/fork')
  @ApiOperation({
    summary: 'Copy a chat up to a message',
    description: `Makes a new private chat of yours with the title and the history of this one, up to and including the
message. An own chat can be forked, and a public one. The copied messages have new ids and keep their times. They hold what was
said and the results of finished tool calls, not what still waits for an approval. Tokens, costs and the totals of the new
chat start at 0, because copying has spent nothing. 409 \`stream_in_progress\` when the
message is still being written.`,
  })
  @ApiClientIdParam('id', 'The chat')
  @ApiCreatedResponse({ type: ChatDto })
  @ApiProblems(400, 404, 409, 413, 415)
  fork(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Body() { messageId }: ForkChatDto,
  ): Promise<ChatDto> {
    const chatId = toStoredId(user.idNamespace, id, 'id');
    return this.chats.fork(user, chatId, toStoredMessageId(user.idNamespace, chatId, messageId, 'messageId'));
  }

  @Get(':id/export')
  @ApiOperation({
    summary: 'Download a chat',
    description:
      'An own chat or a public one. `json` is complete; `markdown` is made for reading: files and tools are only named.',
  })
  @ApiClientIdParam('id', 'The chat')
  @ApiOkResponse({
    description: 'The download, streamed. Votes are in it when the chat is your own.',
    headers: {
      'Content-Disposition': {
        description: '`attachment`, with a file name made from the title.',
        schema: { type: 'string' },
      },
    },
    content: {
      'application/json': {
        schema: { type: 'object', additionalProperties: true },
        example: {
          exportedAt: '2026-11-23T09:00:00.000Z',
          chat: { title: 'Planning a garden' },
          messages: [],
          votes: [],
        },
      },
      'text/markdown': {
        schema: { type: 'string' },
        example: '# Planning a garden\n\n## User\n\nWhen do I sow tomatoes?\n',
      },
    },
  })
  @ApiProblems(400, 404)
  async export(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Query() { format }: ExportChatQuery,
  ): Promise<StreamableFile> {
    return toStreamableFile(await this.exports.open(user, toStoredId(user.idNamespace, id, 'id'), format));
  }
}
