import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { toStoredId } from '../../common/http/client-id.js';
import { type Page } from '../../common/http/paging.js';
import { userKeysOf } from '../models/user-keys.js';
import { ApiGithubToken } from './api-github-token.js';
import {
  type AvailableRepositoryDto,
  AvailableRepositoryPageDto,
  GithubRepositoryDto,
  GithubRepositoryPageDto,
} from './dto/repository.dto.js';
import { AvailableRepositoriesQuery, ListRepositoriesQuery } from './dto/repository.queries.js';
import { ConnectRepositoryDto, PatchRepositoryDto } from './dto/write-repository.dto.js';
import { GithubService } from './github.service.js';

const ApiRepositoryParam = () =>
  ApiParam({
    name: 'id',
    schema: { type: 'string', format: 'uuid' },
    description: 'The id of the connected repository.',
  });

@ApiTags('GitHub')
@ApiBearerAuth()
@Controller('api/github/repositories')
export class GithubController {
  constructor(private readonly github: GithubService) {}

  @Get()
  @ApiOperation({ summary: 'List your connected repositories, newest first' })
  @ApiOkResponse({ type: GithubRepositoryPageDto })
  @ApiProblems(400)
  list(
    @CurrentUser() user: Identity,
    @Query() query: ListRepositoriesQuery,
  ): Promise<Page<GithubRepositoryDto>> {
    return this.github.list(user, query);
  }

  @Post()
  @ApiOperation({
    summary: 'Connect a repository',
    description:
      'The server looks up the repository at GitHub with your token and stores its current name. If it is already connected, ' +
      'it is updated and activated. Returns 404 if the token has no access to it.',
  })
  @ApiGithubToken()
  @ApiCreatedResponse({ type: GithubRepositoryDto })
  @ApiProblems(400, 404, 413, 415, 502, 504)
  connect(
    @CurrentUser() user: Identity,
    @Body() command: ConnectRepositoryDto,
    @Req() request: FastifyRequest,
  ): Promise<GithubRepositoryDto> {
    return this.github.connect(user, command, userKeysOf(request).github);
  }

  @Get('available')
  @ApiOperation({
    summary: 'List the repositories that your token has access to, by name',
    description:
      "The list comes from GitHub and uses GitHub's paging. If repositories are added or removed meanwhile, an item can be repeated or skipped.",
  })
  @ApiGithubToken()
  @ApiOkResponse({ type: AvailableRepositoryPageDto })
  @ApiProblems(400, 404, 502, 504)
  available(
    @Query() query: AvailableRepositoriesQuery,
    @Req() request: FastifyRequest,
  ): Promise<Page<AvailableRepositoryDto>> {
    return this.github.findAvailable(query, userKeysOf(request).github);
  }

  @Get(':id')
  @ApiOperation({ summary: 'Get a connected repository' })
  @ApiRepositoryParam()
  @ApiOkResponse({ type: GithubRepositoryDto })
  @ApiProblems(400, 404)
  read(@CurrentUser() user: Identity, @Param('id') id: string): Promise<GithubRepositoryDto> {
    return this.github.read(user, toStoredId(user.idNamespace, id, 'id'));
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Activate or deactivate a connected repository' })
  @ApiRepositoryParam()
  @ApiOkResponse({ type: GithubRepositoryDto })
  @ApiProblems(400, 404, 413, 415)
  patch(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Body() { isActive }: PatchRepositoryDto,
  ): Promise<GithubRepositoryDto> {
    return this.github.setActive(user, toStoredId(user.idNamespace, id, 'id'), isActive);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Disconnect a repository', description: 'This changes nothing at GitHub.' })
  @ApiRepositoryParam()
  @ApiNoContentResponse({ description: 'The repository was disconnected.' })
  @ApiProblems(400, 404)
  delete(@CurrentUser() user: Identity, @Param('id') id: string): Promise<void> {
    return this.github.delete(user, toStoredId(user.idNamespace, id, 'id'));
  }
}
