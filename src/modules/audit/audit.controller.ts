import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser, Roles } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { type Page } from '../../common/http/paging.js';
import { AuditService } from './audit.service.js';
import { AuditEntryDto, AuditPageDto } from './dto/audit-entry.dto.js';
import { ListAuditQuery } from './dto/list-audit.query.js';

@ApiTags('Admin: audit')
@ApiBearerAuth()
@Roles('admin')
@Controller('api/admin/audit')
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  @Get()
  @ApiOperation({
    summary: 'List the actions of administrators, newest first',
    description: 'Contains changes to the configuration (also those made outside of this API) and to users.',
  })
  @ApiOkResponse({ type: AuditPageDto })
  @ApiProblems(400)
  list(@CurrentUser() user: Identity, @Query() query: ListAuditQuery): Promise<Page<AuditEntryDto>> {
    return this.audit.list(user, query);
  }
}
