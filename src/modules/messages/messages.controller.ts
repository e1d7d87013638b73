import { Controller, Delete, Get, Param, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { ApiClientIdParam, toStoredId, toStoredMessageId } from '../../common/http/client-id.js';
import { type Page } from '../../common/http/paging.js';
import { DeleteMessagesQuery } from './dto/delete-messages.query.js';
import { ListMessagesQuery } from './dto/list-messages.query.js';
import { DeletedMessagesDto, type MessageDto, MessagePageDto } from './dto/message.dto.js';
import { MessagesService } from './messages.service.js';

@ApiTags('Messages')
@ApiBearerAuth()
@Controller('api/chats/:id/messages')
export class MessagesController {
  constructor(private readonly messages: MessagesService) {}

  @Get()
  @ApiOperation({
    summary: 'List the messages of a chat',
    description:
      'Returns the messages of your own chat, or of a public chat if you know its id. Each is a `UIMessage` of the AI SDK with ' +
      'more fields: the list goes into `useChat({ messages })` as it is. The `url` of a `file` part in storage is a ' +
      'signed URL that works for at least three hours. To send the file again, send the part unchanged.',
  })
  @ApiClientIdParam('id', 'chat')
  @ApiOkResponse({ type: MessagePageDto })
  @ApiProblems(400, 404)
  list(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Query() page: ListMessagesQuery,
  ): Promise<Page<MessageDto>> {
    return this.messages.listShown(user, toStoredId(user.idNamespace, id, 'id'), page);
  }

  @Delete()
  @ApiOperation({
    summary: 'Delete a message and all later messages',
    description:
      'Their cost stays in the totals of the chat. Returns 409 `stream_in_progress` while an answer is being generated.',
  })
  @ApiClientIdParam('id', 'chat')
  @ApiOkResponse({ type: DeletedMessagesDto })
  @ApiProblems(400, 404, 409)
  deleteFrom(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Query() { from }: DeleteMessagesQuery,
  ): Promise<DeletedMessagesDto> {
    const chatId = toStoredId(user.idNamespace, id, 'id');
    return this.messages.deleteFrom(user, chatId, toStoredMessageId(user.idNamespace, chatId, from, 'from'));
  }
}
