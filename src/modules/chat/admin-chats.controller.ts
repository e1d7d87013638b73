import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser, Roles } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { type Page } from '../../common/http/paging.js';
import { ChatsService } from './chats.service.js';
import { ChatMetadataDto, ChatMetadataPageDto, ListAllChatsQuery } from './dto/admin-chats.dto.js';

@ApiTags('Admin: chats')
@ApiBearerAuth()
@Roles('admin')
@Controller('api/admin/chats')
export class AdminChatsController {
  constructor(private readonly chats: ChatsService) {}

  @Get()
  @ApiOperation({
    summary: 'List the chats of all users, newest first',
    description: 'Returns only metadata. Only the owners can read the messages.',
  })
  @ApiOkResponse({ type: ChatMetadataPageDto })
  @ApiProblems(400)
  list(@CurrentUser() user: Identity, @Query() query: ListAllChatsQuery): Promise<Page<ChatMetadataDto>> {
    return this.chats.listAll(user, query);
  }
}
