import { Controller, Get, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { ApiUserKeys } from './api-user-keys.js';
import { ModelListDto } from './dto/model-option.dto.js';
import { ModelsService } from './models.service.js';
import { userKeysOf } from './user-keys.js';

@ApiTags('Models')
@ApiBearerAuth()
@ApiProblems(400)
@Controller('api/models')
export class ModelsController {
  constructor(private readonly models: ModelsService) {}

  @Get()
  @ApiOperation({ summary: 'List the models that you can choose, and which of them are available now' })
  @ApiUserKeys()
  @ApiOkResponse({ type: ModelListDto })
  async list(@Req() request: FastifyRequest): Promise<ModelListDto> {
    return { items: await this.models.list(userKeysOf(request)) };
  }
}
