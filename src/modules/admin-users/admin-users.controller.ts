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
  @ApiOperation({ summary: 'List all users, newest first' })
  @ApiOkResponse({ type: AdminUserPageDto })
  @ApiProblems(400)
  list(@Query() query: ListUsersQuery): Promise<Page<AdminUserDto>> {
    return this.users.list(query);
  }

  @Get(':id')
  @ApiOperation({ summary: 'Get a user' })
  @ApiUserIdParam()
  @ApiOkResponse({ type: AdminUserDto })
  @ApiProblems(400, 404)
  read(@Param('id', UserIdPipe) id: string): Promise<AdminUserDto> {
    return this.users.read(id);
  }

  @Patch(':id')
  @ApiOperation({
    summary: 'Change the role of a user, deactivate or reactivate the user',
    description: `Takes effect on every instance within seconds, whatever the user's token says. Deactivating a user also ends their running
answers. Returns 409 \`version_conflict\` if no active administrator would remain.`,
  })
  @ApiUserIdParam()
  @ApiOkResponse({ type: AdminUserDto, description: 'The updated user.' })
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
    summary: 'Delete a user with all their data',
    description: `Deletes the user's chats, messages, votes, documents, suggestions, usage, limits and repositories. Configuration changes
made by the user and the audit log stay. This cannot be undone. Returns 409 \`version_conflict\` for the last active
administrator.`,
  })
  @ApiUserIdParam()
  @ApiNoContentResponse({ description: 'The user was deleted.' })
  @ApiProblems(400, 404, 409, 502, 504)
  delete(@CurrentUser() actor: Identity, @Param('id', UserIdPipe) id: string): Promise<void> {
    return this.users.delete(actor, id);
  }
}
