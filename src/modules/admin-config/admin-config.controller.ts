import {
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Put,
  Query,
  Req,
  Res,
  UseInterceptors,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiConsumes,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser, Roles } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { type Page, PageQuery } from '../../common/http/paging.js';
import { AcceptBody } from '../../common/http/request-content.guard.js';
import { expectedVersionOf, parseChange } from './config-body.js';
import { ConfigEditorService } from './config-editor.service.js';
import { ConfigKeyPipe } from './config-key.pipe.js';
import { type ConfigKey, jsonSchemaOf } from './config-schemas.js';
import {
  ApiConfigKeyParam,
  ApiConfigSchemaResponse,
  ApiIfMatch,
  ApiPatchConfigBody,
  ApiReplaceConfigBody,
  VERSION_TAG,
} from './dto/config.docs.js';
import { ConfigDto, ConfigPageDto } from './dto/config.dto.js';
import { VersionTagInterceptor } from './version-tag.interceptor.js';

/** The catalog contains all models with their prices. */
const CONFIGURATION = { large: true, items: 20_000 };

@ApiTags('Admin: configuration')
@ApiBearerAuth()
@Roles('admin')
@Controller('api/admin/config')
export class AdminConfigController {
  constructor(private readonly configs: ConfigEditorService) {}

  @Get()
  @ApiOperation({ summary: 'List all configurations, by key' })
  @ApiOkResponse({ type: ConfigPageDto })
  @ApiProblems(400)
  list(@CurrentUser() user: Identity, @Query() query: PageQuery): Promise<Page<ConfigDto>> {
    return this.configs.list(user, query);
  }

  @Get(':key')
  @UseInterceptors(VersionTagInterceptor)
  @ApiOperation({ summary: 'Get a configuration' })
  @ApiConfigKeyParam()
  @ApiOkResponse({ type: ConfigDto, headers: VERSION_TAG })
  @ApiProblems(404)
  read(@CurrentUser() user: Identity, @Param('key', ConfigKeyPipe) key: ConfigKey): Promise<ConfigDto> {
    return this.configs.read(user, key);
  }

  @Get(':key/schema')
  @ApiOperation({ summary: 'Get the JSON Schema of a configuration' })
  @ApiConfigKeyParam()
  @ApiConfigSchemaResponse()
  @ApiProblems(404)
  schema(@Param('key', ConfigKeyPipe) key: ConfigKey): object {
    return jsonSchemaOf(key);
  }

  @Put(':key')
  @AcceptBody(CONFIGURATION)
  @UseInterceptors(VersionTagInterceptor)
  @ApiOperation({
    summary: 'Replace a configuration',
    description: `Takes effect from the next request, and on every instance within a second. These changes are refused, with the reason: data
that does not match its schema; a model that is not in \`model_catalog\`; a catalog without a model that is in use; an agent without
exactly one default model; and disabling the chat agent of the active provider, because one agent must always be able to
answer.`,
  })
  @ApiConfigKeyParam()
  @ApiIfMatch()
  @ApiReplaceConfigBody()
  @ApiOkResponse({
    type: ConfigDto,
    description: 'The current configuration. Sending identical data does not create a version.',
    headers: VERSION_TAG,
  })
  @ApiCreatedResponse({
    type: ConfigDto,
    description: 'The configuration had been deleted and exists again.',
    headers: VERSION_TAG,
  })
  @ApiProblems(400, 404, 409, 413, 415)
  async replace(
    @CurrentUser() user: Identity,
    @Param('key', ConfigKeyPipe) key: ConfigKey,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConfigDto> {
    const { config, created } = await this.configs.replace(user, key, parseChange(request));
    void reply.status(created ? 201 : 200);
    return config;
  }

  @Patch(':key')
  @AcceptBody({ ...CONFIGURATION, mediaTypes: ['application/json', 'application/merge-patch+json'] })
  @UseInterceptors(VersionTagInterceptor)
  @ApiOperation({
    summary: 'Update a configuration',
    description: 'Applies a JSON merge patch (RFC 7396) to `configData`. The result is validated as for PUT.',
  })
  @ApiConfigKeyParam()
  @ApiIfMatch()
  @ApiConsumes('application/json', 'application/merge-patch+json')
  @ApiPatchConfigBody()
  @ApiOkResponse({ type: ConfigDto, headers: VERSION_TAG })
  @ApiProblems(400, 404, 409, 413, 415)
  patch(
    @CurrentUser() user: Identity,
    @Param('key', ConfigKeyPipe) key: ConfigKey,
    @Req() request: FastifyRequest,
  ): Promise<ConfigDto> {
    return this.configs.patch(user, key, parseChange(request));
  }

  @Delete(':key')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete the configuration of an agent',
    description: `An agent without a configuration is disabled. \`app_settings\`, \`model_catalog\` and the chat agent of the active provider
cannot be deleted. The history stays: a PUT or a rollback restores the agent.`,
  })
  @ApiConfigKeyParam()
  @ApiIfMatch()
  @ApiNoContentResponse({ description: 'The resource was deleted.' })
  @ApiProblems(400, 404, 409)
  delete(
    @CurrentUser() user: Identity,
    @Param('key', ConfigKeyPipe) key: ConfigKey,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    return this.configs.delete(user, key, expectedVersionOf(request));
  }
}
