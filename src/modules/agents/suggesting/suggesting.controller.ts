import { Body, Controller, Param, Post, Req, Res, UseInterceptors } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser } from '../../../common/auth/decorators.js';
import { type Identity } from '../../../common/auth/identity.js';
import { ApiProblems } from '../../../common/errors/api-problems.js';
import { ApiClientIdParam, toStoredId } from '../../../common/http/client-id.js';
import { type Page } from '../../../common/http/paging.js';
import { type SuggestionDto, SuggestionPageDto } from '../../suggestions/dto/suggestion.dto.js';
import { AccountingInterceptor } from '../../accounting/accounting.interceptor.js';
import { ApiUserKeys } from '../../models/api-user-keys.js';
import { userKeysOf } from '../../models/user-keys.js';
import { SuggestDto } from './suggest.dto.js';
import { SuggestingService } from './suggesting.service.js';

/** It is here because it calls a model, and the suggestions module does not depend on models. */
@ApiTags('Suggestions')
@ApiBearerAuth()
@Controller('api/documents/:id/suggestions')
export class SuggestingController {
  constructor(private readonly suggesting: SuggestingService) {}

  @Post()
  @UseInterceptors(AccountingInterceptor)
  @ApiOperation({
    summary: 'Have the artifact agent suggest edits of the latest version',
    description:
      'Creates at most five suggestions. Each one changes a passage that occurs exactly once. Only for text and code documents.',
  })
  @ApiClientIdParam('id', 'document')
  @ApiUserKeys()
  @ApiCreatedResponse({ type: SuggestionPageDto })
  @ApiProblems(400, 404, 413, 415, 502, 504)
  async create(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Body() { instruction }: SuggestDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Page<SuggestionDto>> {
    const documentId = toStoredId(user.idNamespace, id, 'id');
    const { page, headers } = await this.suggesting.suggest(
      user,
      documentId,
      instruction,
      userKeysOf(request),
    );
    void reply.headers(headers);
    return page;
  }
}
