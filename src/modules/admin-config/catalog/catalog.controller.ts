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
    summary: 'Preview a refresh of the model catalog',
    description: `Compares \`model_catalog\` with what this version of the server knows: list prices, new models, and models that
their vendors switch off. Changes nothing. \`npm run catalog:refresh\` does the same, and can read newer price data.`,
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
    description: `Stores these changes as a new version of \`model_catalog\`. The history and the audit log record it. The refresh
removes no model, and it does not change the agents: you decide what replaces a model that its vendor switches off.`,
  })
  @ApiOkResponse({ type: CatalogRefreshDto, description: 'What was changed.' })
  @ApiProblems(404, 409)
  apply(@CurrentUser() user: Identity): Promise<CatalogRefresh> {
    return this.refresh.apply(user);
  }
}
