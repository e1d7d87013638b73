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
    summary: 'What everybody used in a period, and in the one before, with the users who cost most',
    description:
      'By default the last 30 days, today among them; `previous` is the period of the same length before. With `userId` all of it is of this user. The rows are not read for it: a year takes no longer with millions of them.',
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
    summary: 'What everybody used, hour by hour, day by day, week by week or month by month',
    description:
      'Points follow the clocks and calendars of `tz`: a day may have 23 hours, weeks begin on Monday. There are no gaps; more than 2,000 points are refused.',
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
    summary: 'The model calls of all users one by one',
    description:
      'Of all time, the latest first, by default. Other orders look at every call of the period: say one where there are millions.',
  })
  @ApiOkResponse({ type: UsageLogPageDto })
  @ApiProblems(400)
  list(@CurrentUser() user: Identity, @Query() query: AdminUsageLogsQuery): Promise<Page<UsageLogDto>> {
    return this.logs.list(user, query);
  }

  @Get('export')
  @ApiOperation({
    summary: 'Download the model calls of all users',
    description: 'The same as the logs, the oldest first, up to now; streamed, however many there are.',
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
    summary: 'What the present trend of all users would cost',
    description:
      'From the complete days of the last 28: a line of least squares through their costs, or their average where there are too few. `method` says what was done.',
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
