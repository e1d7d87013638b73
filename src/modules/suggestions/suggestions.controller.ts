import { Body, Controller, Delete, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { ApiClientIdParam, toStoredId } from '../../common/http/client-id.js';
import { DocumentDto } from '../documents/dto/document.dto.js';
import { SuggestionDto, UpdateSuggestionDto } from './dto/suggestion.dto.js';
import { SuggestionsService } from './suggestions.service.js';

@ApiTags('Suggestions')
@ApiBearerAuth()
@Controller('api/suggestions/:id')
export class SuggestionsController {
  constructor(private readonly suggestions: SuggestionsService) {}

  @Patch()
  @ApiOperation({ summary: 'Mark a suggestion as resolved without applying it, or reopen it' })
  @ApiClientIdParam('id', 'suggestion')
  @ApiOkResponse({ type: SuggestionDto })
  @ApiProblems(400, 404, 413, 415)
  update(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Body() { isResolved }: UpdateSuggestionDto,
  ): Promise<SuggestionDto> {
    return this.suggestions.setResolved(user, toStoredId(user.idNamespace, id, 'id'), isResolved);
  }

  @Post('apply')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Apply a suggestion to the latest version of its document',
    description: `Replaces \`originalText\` with \`suggestedText\`, stores the result as a new version, and marks the suggestion as resolved.
Returns the new version. Returns 409 \`version_conflict\` if the text does not occur exactly once any more, or if the suggestion
is already resolved. Returns 400 \`validation_failed\` if a sheet would no longer be valid CSV.`,
  })
  @ApiClientIdParam('id', 'suggestion')
  @ApiOkResponse({ type: DocumentDto })
  @ApiProblems(400, 404, 409)
  apply(@CurrentUser() user: Identity, @Param('id') id: string): Promise<DocumentDto> {
    return this.suggestions.apply(user, toStoredId(user.idNamespace, id, 'id'));
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a suggestion' })
  @ApiClientIdParam('id', 'suggestion')
  @ApiNoContentResponse({ description: 'The resource was deleted.' })
  @ApiProblems(400, 404)
  delete(@CurrentUser() user: Identity, @Param('id') id: string): Promise<void> {
    return this.suggestions.delete(user, toStoredId(user.idNamespace, id, 'id'));
  }
}
