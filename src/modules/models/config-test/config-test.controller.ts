import { Body, Controller, HttpCode, Param, Post, Req, UseInterceptors } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Roles } from '../../../common/auth/decorators.js';
import { ApiProblems } from '../../../common/errors/api-problems.js';
import { ConfigKeyPipe } from '../../admin-config/config-key.pipe.js';
import { type ConfigKey } from '../../admin-config/config-schemas.js';
import { ApiConfigKeyParam } from '../../admin-config/dto/config.docs.js';
import { AccountingInterceptor } from '../../accounting/accounting.interceptor.js';
import { ApiUserKeys } from '../api-user-keys.js';
import { userKeysOf } from '../user-keys.js';
import { ConfigTestService } from './config-test.service.js';
import { ConfigTestDto, TestConfigDto } from './dto/config-test.dto.js';

/** It is here because it calls a model, and the configuration module does not depend on models. */
@ApiTags('Admin: configuration')
@ApiBearerAuth()
@Roles('admin')
@Controller('api/admin/config/:key/test')
export class ConfigTestController {
  constructor(private readonly tests: ConfigTestService) {}

  @Post()
  @HttpCode(200)
  @UseInterceptors(AccountingInterceptor)
  @ApiOperation({
    summary: 'Test the configuration of an agent',
    description: `Makes one call to the default model with the prompt and parameters of the configuration, without tools. The agent does not
need to be enabled. The call costs as much as any other, and appears in the usage as \`config-test\`.`,
  })
  @ApiConfigKeyParam()
  @ApiUserKeys()
  @ApiOkResponse({ type: ConfigTestDto })
  @ApiProblems(400, 404, 413, 415, 502, 504)
  run(
    @Param('key', ConfigKeyPipe) key: ConfigKey,
    @Body() { prompt }: TestConfigDto,
    @Req() request: FastifyRequest,
  ): Promise<ConfigTestDto> {
    return this.tests.run(key, prompt, userKeysOf(request));
  }
}
