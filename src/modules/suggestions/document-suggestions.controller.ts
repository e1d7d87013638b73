import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { ApiClientIdParam, toStoredId } from '../../common/http/client-id.js';
import { type Page } from '../../common/http/paging.js';
import { ListSuggestionsQuery } from './dto/list-suggestions.query.js';
import { type SuggestionDto, SuggestionPageDto } from './dto/suggestion.dto.js';
import { SuggestionsService } from './suggestions.service.js';

@ApiTags('Suggestions')
@ApiBearerAuth()
@Controller('api/documents/:id/suggestions')
export class DocumentSuggestionsController {
  constructor(private readonly suggestions: SuggestionsService) {}

  @Get()
  @ApiOperation({
    summary: 'List the suggestions for a document, oldest first',
    description: 'Returns the suggestions for the latest version by default.',
  })
  @ApiClientIdParam('id', 'document')
  @ApiOkResponse({ type: SuggestionPageDto })
  @ApiProblems(400, 404)
  list(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Query() query: ListSuggestionsQuery,
  ): Promise<Page<SuggestionDto>> {
    return this.suggestions.list(user, toStoredId(user.idNamespace, id, 'id'), query);
  }
}
