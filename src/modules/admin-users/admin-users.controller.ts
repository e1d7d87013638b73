import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser, Roles } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { type Page } from '../../common/http/paging.js';
import { AdminUsersService } from './admin-users.service.js';
import { AdminUserDto, AdminUserPageDto } from './dto/admin-user.dto.js';
import { ListUsersQuery } from './dto/list-users.query.js';
import { UpdateUserDto } from './dto/update-user.dto.js';
import { ApiUserIdParam, UserIdPipe } from './user-id.pipe.js';

@ApiTags('Admin: users')
@ApiBearerAuth()
@Roles('admin')
@Controller('api/admin/users')
export class AdminUsersController {
  constructor(private readonly users: AdminUsersService) {}

  @Get()
  @ApiOperation({ summary: 'All users, the newest first' })
  @ApiOkResponse({ type: AdminUserPageDto })
  @ApiProblems(400)
  list(@Query() query: ListUsersQuery): Promise<Page<AdminUserDto>> {
    return this.users.list(query);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One user' })
  @ApiUserIdParam()
  @ApiOkResponse({ type: AdminUserDto })
  @ApiProblems(400, 404)
  read(@Param('id', UserIdPipe) id: string): Promise<AdminUserDto> {
    return this.users.read(id);
  }

  @Patch(':id')
  @ApiOperation({
    summary: 'Change the role of a user, deactivate or reactivate them',
    description: `Takes effect on every instance within seconds, whatever the user's token says: it is also the end of
answers that are being written for a user who is deactivated. 409 \`version_conflict\` when it would leave no active
administrator.`,
  })
  @ApiUserIdParam()
  @ApiOkResponse({ type: AdminUserDto, description: 'As the user is now.' })
  @ApiProblems(400, 404, 409, 413, 415, 502, 504)
  update(
    @CurrentUser() actor: Identity,
    @Param('id', UserIdPipe) id: string,
    @Body() changes: UpdateUserDto,
  ): Promise<AdminUserDto> {
    return this.users.update(actor, id, changes);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete a user with everything that is theirs',
    description: `Chats, messages, votes, documents, suggestions, usage, limits and repositories go with them; the
configuration that they changed, and the audit log, stay. It can not be taken back. 409 \`version_conflict\` for the last
active administrator.`,
  })
  @ApiUserIdParam()
  @ApiNoContentResponse({ description: 'They are gone.' })
  @ApiProblems(400, 404, 409, 502, 504)
  delete(@CurrentUser() actor: Identity, @Param('id', UserIdPipe) id: string): Promise<void> {
    return this.users.delete(actor, id);
  }
}
