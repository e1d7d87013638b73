import { Controller, Get, Query, StreamableFile } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser, Roles } from '../../../common/auth/decorators.js';
import { type Identity } from '../../../common/auth/identity.js';
import { ApiProblems } from '../../../common/errors/api-problems.js';
import { toStreamableFile } from '../../../common/http/download.js';
import { type Page } from '../../../common/http/paging.js';
import { ApiUsageExport } from './dto/usage-export.docs.js';
import { UsageLogDto, UsageLogPageDto } from './dto/usage-log.dto.js';
import { AdminUsageExportQuery, AdminUsageLogsQuery } from './dto/usage-logs.query.js';
import { AdminUsageSummaryQuery } from './dto/usage-summary.query.js';
import { UsageProjectionDto } from './dto/usage-projection.dto.js';
import { AdminUsageProjectionQuery } from './dto/usage-projection.query.js';
import { AdminUsageSummaryDto } from './dto/usage-summary.dto.js';
import { UsageTimeseriesDto } from './dto/usage-timeseries.dto.js';
import { AdminUsageTimeseriesQuery } from './dto/usage-timeseries.query.js';
import { UsageExportService } from './usage-export.service.js';
import { UsageLogsService } from './usage-logs.service.js';
import { UsageReportsService } from './usage-reports.service.js';

@ApiTags('Admin: usage')
@ApiBearerAuth()
@Roles('admin')
@Controller('api/admin/usage')
export class AdminUsageController {
  constructor(
    private readonly reports: UsageReportsService,
    private readonly logs: UsageLogsService,
    private readonly exports: UsageExportService,
  ) {}

  @Get('summary')
  @ApiOperation({
    summary:
      'Get the usage of all users in a period, and in the previous one, with the users with the highest cost',
    description:
      'The default period is the last 30 days, including today. `previous` is the period of the same length before it. With ' +
      '`userId`, all figures are for this user. The sums come from rollups, so a year with millions of calls is fast, too.',
  })
  @ApiOkResponse({ type: AdminUsageSummaryDto })
  @ApiProblems(400)
  summary(
    @CurrentUser() user: Identity,
    @Query() query: AdminUsageSummaryQuery,
  ): Promise<AdminUsageSummaryDto> {
    return this.reports.summarizeUsers(user, query);
  }

  @Get('timeseries')
  @ApiOperation({
    summary: 'Get the usage of all users by hour, day, week or month',
    description:
      'Points follow the clock and calendar of `tz`: a day may have 23 hours, and weeks start on Monday. There are no gaps. ' +
      'Requests for more than 2,000 points are refused.',
  })
  @ApiOkResponse({ type: UsageTimeseriesDto })
  @ApiProblems(400)
  timeseries(
    @CurrentUser() user: Identity,
    @Query() query: AdminUsageTimeseriesQuery,
  ): Promise<UsageTimeseriesDto> {
    return this.reports.trace(user, query);
  }

  @Get('logs')
  @ApiOperation({
    summary: 'List the model calls of all users',
    description:
      'By default, returns all calls, newest first. Other orders read every call of the period, so set a period if there are millions of calls.',
  })
  @ApiOkResponse({ type: UsageLogPageDto })
  @ApiProblems(400)
  list(@CurrentUser() user: Identity, @Query() query: AdminUsageLogsQuery): Promise<Page<UsageLogDto>> {
    return this.logs.list(user, query);
  }

  @Get('export')
  @ApiOperation({
    summary: 'Download the model calls of all users',
    description:
      'Returns the same calls as the logs, oldest first, up to now. The response is streamed, for any number of calls.',
  })
  @ApiUsageExport()
  @ApiProblems(400)
  async export(
    @CurrentUser() user: Identity,
    @Query() query: AdminUsageExportQuery,
  ): Promise<StreamableFile> {
    return toStreamableFile(await this.exports.open(user, query));
  }

  @Get('projection')
  @ApiOperation({
    summary: 'Project the cost of all users from the current trend',
    description:
      'Based on the complete days of the last 28: a least-squares line through their costs, or their average if there are ' +
      'too few. `method` names the method used.',
  })
  @ApiOkResponse({ type: UsageProjectionDto })
  @ApiProblems(400)
  projection(
    @CurrentUser() user: Identity,
    @Query() query: AdminUsageProjectionQuery,
  ): Promise<UsageProjectionDto> {
    return this.reports.project(user, query);
  }
}
