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
import { ChatDto, ChatWithContextDto, ChatPageDto, DeletedDto } from './dto/chat.dto.js';
import { CreateChatDto } from './dto/create-chat.dto.js';
import { ExportChatQuery } from './dto/export-chat.query.js';
import { ForkChatDto } from './dto/fork-chat.dto.js';
import { ListChatsQuery } from './dto/list-chats.query.js';
import { UpdateChatDto } from './dto/update-chat.dto.js';

@ApiTags('Chat')
@ApiBearerAuth()
@Controller('api/chats')
export class ChatsController {
  constructor(
    private readonly chats: ChatsService,
    private readonly exports: ChatExportService,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'List your chats, newest first',
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
      '`POST /api/chat` with a new id also creates the chat. Returns 409 `version_conflict` if you already have a chat with this id.',
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
    description: 'Returns your own chat, or a public chat if you know its id. Public chats are never listed.',
  })
  @ApiClientIdParam('id', 'chat')
  @ApiOkResponse({ type: ChatWithContextDto })
  @ApiProblems(400, 404)
  read(@CurrentUser() user: Identity, @Param('id') id: string): Promise<ChatWithContextDto> {
    return this.chats.readWithContext(user, toStoredId(user.idNamespace, id, 'id'));
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Change the title or the visibility of your chat' })
  @ApiClientIdParam('id', 'chat')
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
  @ApiOperation({ summary: 'Delete your chat with its messages and votes' })
  @ApiClientIdParam('id', 'chat')
  @ApiNoContentResponse({ description: 'The resource was deleted.' })
  @ApiProblems(400, 404)
  delete(@CurrentUser() user: Identity, @Param('id') id: string): Promise<void> {
    return this.chats.delete(user, toStoredId(user.idNamespace, id, 'id'));
  }

  @Post(':id/fork')
  @ApiOperation({
    summary: 'Copy a chat up to a message',
    description: `Creates a new private chat with the title and the history of this one, up to and including the message. You can fork your
own chats and public ones. The copied messages have new ids and keep their times. They contain the text and the results of
finished tool calls, but no calls that wait for an approval. Tokens, costs and the totals of the new chat start at 0, because
copying costs nothing. Returns 409 \`stream_in_progress\` if the message is still being generated.`,
  })
  @ApiClientIdParam('id', 'chat')
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
      'Exports your own chat or a public one. `json` is complete. `markdown` is for reading: it only names files and tools.',
  })
  @ApiClientIdParam('id', 'chat')
  @ApiOkResponse({
    description: 'The download, as a stream. It includes votes if the chat is your own.',
    headers: {
      'Content-Disposition': {
        description: '`attachment`, with a file name that contains the title.',
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
