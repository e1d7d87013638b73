import { Controller, Get, HttpCode, Param, Post, Query, Req, UseInterceptors } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CurrentUser, Roles } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { type Page, PageQuery } from '../../common/http/paging.js';
import { expectedVersionOf, parseRollback } from './config-body.js';
import { ConfigEditorService } from './config-editor.service.js';
import { ConfigKeyPipe } from './config-key.pipe.js';
import { type ConfigKey } from './config-schemas.js';
import { ApiConfigKeyParam, ApiIfMatch, VERSION_TAG } from './dto/config.docs.js';
import { ConfigDto } from './dto/config.dto.js';
import { ConfigVersionDto, ConfigVersionPageDto } from './dto/config-version.dto.js';
import { RollBackConfigDto } from './dto/roll-back-config.dto.js';
import { VersionTagInterceptor } from './version-tag.interceptor.js';

@ApiTags('Admin: configuration')
@ApiBearerAuth()
@Roles('admin')
@Controller('api/admin/config/:key')
export class ConfigHistoryController {
  constructor(private readonly configs: ConfigEditorService) {}

  @Get('history')
  @ApiOperation({
    summary: 'List the versions of a configuration, newest first',
    description:
      'Contains every change, also those made outside of this API. A deletion is a version as well.',
  })
  @ApiConfigKeyParam()
  @ApiOkResponse({ type: ConfigVersionPageDto })
  @ApiProblems(400, 404)
  history(
    @CurrentUser() user: Identity,
    @Param('key', ConfigKeyPipe) key: ConfigKey,
    @Query() query: PageQuery,
  ): Promise<Page<ConfigVersionDto>> {
    return this.configs.history(user, key, query);
  }

  @Post('rollback')
  @HttpCode(200)
  @UseInterceptors(VersionTagInterceptor)
  @ApiOperation({
    summary: 'Roll back to an earlier version',
    description: `Stores the data of the version as a new version, if it still fits the schema and the rest of the configuration. A deleted
configuration can be restored this way.`,
  })
  @ApiConfigKeyParam()
  @ApiIfMatch()
  @ApiBody({ type: RollBackConfigDto })
  @ApiOkResponse({ type: ConfigDto, description: 'The current configuration.', headers: VERSION_TAG })
  @ApiProblems(400, 404, 409, 413, 415)
  rollBack(
    @CurrentUser() user: Identity,
    @Param('key', ConfigKeyPipe) key: ConfigKey,
    @Req() request: FastifyRequest,
  ): Promise<ConfigDto> {
    const version = parseRollback(request.body);
    return this.configs.rollBack(user, key, { version, expectedVersion: expectedVersionOf(request) });
  }
}
