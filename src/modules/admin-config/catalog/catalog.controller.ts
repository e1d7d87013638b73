import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser, Roles } from '../../../common/auth/decorators.js';
import { type Identity } from '../../../common/auth/identity.js';
import { ApiProblems } from '../../../common/errors/api-problems.js';
import { type CatalogRefresh, CatalogRefreshService } from './catalog-refresh.service.js';
import { CatalogRefreshDto } from './dto/catalog-refresh.dto.js';

@ApiTags('Admin: configuration')
@ApiBearerAuth()
@Roles('admin')
@Controller('api/admin/catalog/refresh')
export class CatalogController {
  constructor(private readonly refresh: CatalogRefreshService) {}

  @Get()
  @ApiOperation({
    summary: 'What a refresh of the model catalog would change',
    description: `Compares \`model_catalog\` with what this version knows: list prices, models that are new, and models that
their vendors switch off. Nothing is changed. \`npm run catalog:refresh\` does the same, with newer price data if it is given some.`,
  })
  @ApiOkResponse({ type: CatalogRefreshDto })
  @ApiProblems(404)
  preview(@CurrentUser() user: Identity): Promise<CatalogRefresh> {
    return this.refresh.preview(user);
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Refresh the model catalog',
    description: `Makes a new version of \`model_catalog\` with these changes, which the history and the audit log have like any
other. No model is removed, and no agent offers another: what to do about a model that is switched off is for you to decide.`,
  })
  @ApiOkResponse({ type: CatalogRefreshDto, description: 'What was changed.' })
  @ApiProblems(404, 409)
  apply(@CurrentUser() user: Identity): Promise<CatalogRefresh> {
    return this.refresh.apply(user);
  }
}
