import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { ApiClientIdParam, toStoredId, toStoredMessageId } from '../../common/http/client-id.js';
import { type Page, PageQuery } from '../../common/http/paging.js';
import { PutVoteDto, VoteDto, VotePageDto } from './dto/vote.dto.js';
import { VotesService } from './votes.service.js';

@ApiTags('Messages')
@ApiBearerAuth()
@Controller('api/chats/:id')
export class VotesController {
  constructor(private readonly votes: VotesService) {}

  @Get('votes')
  @ApiOperation({ summary: 'List the votes in your chat, in the order of its messages' })
  @ApiClientIdParam('id', 'chat')
  @ApiOkResponse({ type: VotePageDto })
  @ApiProblems(400, 404)
  list(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Query() page: PageQuery,
  ): Promise<Page<VoteDto>> {
    return this.votes.list(user, toStoredId(user.idNamespace, id, 'id'), page);
  }

  @Put('messages/:messageId/vote')
  @ApiOperation({ summary: 'Vote on a message of your chat', description: 'Replaces an existing vote.' })
  @ApiClientIdParam('id', 'chat')
  @ApiClientIdParam('messageId', 'message')
  @ApiOkResponse({ type: VoteDto })
  @ApiProblems(400, 404, 413, 415)
  put(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Param('messageId') messageId: string,
    @Body() { isUpvoted }: PutVoteDto,
  ): Promise<VoteDto> {
    const chatId = toStoredId(user.idNamespace, id, 'id');
    return this.votes.put(
      user,
      chatId,
      toStoredMessageId(user.idNamespace, chatId, messageId, 'messageId'),
      isUpvoted,
    );
  }

  @Delete('messages/:messageId/vote')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove the vote on a message', description: 'Succeeds if there is no vote.' })
  @ApiClientIdParam('id', 'chat')
  @ApiClientIdParam('messageId', 'message')
  @ApiNoContentResponse({ description: 'The message has no vote.' })
  @ApiProblems(400, 404)
  delete(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Param('messageId') messageId: string,
  ): Promise<void> {
    const chatId = toStoredId(user.idNamespace, id, 'id');
    return this.votes.delete(
      user,
      chatId,
      toStoredMessageId(user.idNamespace, chatId, messageId, 'messageId'),
    );
  }
}
