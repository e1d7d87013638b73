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

/** The catalog has all models with their prices. */
const CONFIGURATION = { large: true, items: 20_000 };

@ApiTags('Admin: configuration')
@ApiBearerAuth()
@Roles('admin')
@Controller('api/admin/config')
export class AdminConfigController {
  constructor(private readonly configs: ConfigEditorService) {}

  @Get()
  @ApiOperation({ summary: 'All configurations, by their keys' })
  @ApiOkResponse({ type: ConfigPageDto })
  @ApiProblems(400)
  list(@CurrentUser() user: Identity, @Query() query: PageQuery): Promise<Page<ConfigDto>> {
    return this.configs.list(user, query);
  }

  @Get(':key')
  @UseInterceptors(VersionTagInterceptor)
  @ApiOperation({ summary: 'Read a configuration' })
  @ApiConfigKeyParam()
  @ApiOkResponse({ type: ConfigDto, headers: VERSION_TAG })
  @ApiProblems(404)
  read(@CurrentUser() user: Identity, @Param('key', ConfigKeyPipe) key: ConfigKey): Promise<ConfigDto> {
    return this.configs.read(user, key);
  }

  @Get(':key/schema')
  @ApiOperation({ summary: 'The JSON Schema that the data of a configuration are held to' })
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
    description: `It holds from the next request on, and on every instance within a second. Refused with the reason:
what breaks its schema; a model that \`model_catalog\` does not know, and a catalog without a model that is used; an
agent without exactly one default model; and switching off the chat agent of the active provider, so that there is
always one that answers.`,
  })
  @ApiConfigKeyParam()
  @ApiIfMatch()
  @ApiReplaceConfigBody()
  @ApiOkResponse({
    type: ConfigDto,
    description: 'As it is now. The same data again are no new version.',
    headers: VERSION_TAG,
  })
  @ApiCreatedResponse({
    type: ConfigDto,
    description: 'It had been deleted, and is there again.',
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
    summary: 'Change parts of a configuration',
    description:
      'By a JSON merge patch (RFC 7396) of `configData`. The outcome is checked as that of a PUT is.',
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
    summary: 'Remove an agent',
    description: `An agent without a configuration is off. \`app_settings\`, \`model_catalog\` and the chat agent of the
active provider are refused. The history stays: a PUT or a rollback brings the agent back.`,
  })
  @ApiConfigKeyParam()
  @ApiIfMatch()
  @ApiNoContentResponse({ description: 'It is gone.' })
  @ApiProblems(400, 404, 409)
  delete(
    @CurrentUser() user: Identity,
    @Param('key', ConfigKeyPipe) key: ConfigKey,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    return this.configs.delete(user, key, expectedVersionOf(request));
  }
}
