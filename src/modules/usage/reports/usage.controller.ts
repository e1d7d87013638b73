import { Controller, Get, Query, StreamableFile } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../../../common/auth/decorators.js';
import { type Identity } from '../../../common/auth/identity.js';
import { ApiProblems } from '../../../common/errors/api-problems.js';
import { toStreamableFile } from '../../../common/http/download.js';
import { type Page } from '../../../common/http/paging.js';
import { ApiUsageExport } from './dto/usage-export.docs.js';
import { UsageLogDto, UsageLogPageDto } from './dto/usage-log.dto.js';
import { UsageExportQuery, UsageLogsQuery } from './dto/usage-logs.query.js';
import { UsageCallsQuery } from './dto/usage-calls.query.js';
import { UsageProjectionDto } from './dto/usage-projection.dto.js';
import { UsageProjectionQuery } from './dto/usage-projection.query.js';
import { UsageSummaryDto } from './dto/usage-summary.dto.js';
import { UsageTimeseriesDto } from './dto/usage-timeseries.dto.js';
import { UsageTimeseriesQuery } from './dto/usage-timeseries.query.js';
import { UsageExportService } from './usage-export.service.js';
import { UsageLogsService } from './usage-logs.service.js';
import { UsageReportsService } from './usage-reports.service.js';

/** An administrator may read the calls of all users, so each request filters by user. */
@ApiTags('Usage')
@ApiBearerAuth()
@Controller('api/usage')
export class UsageController {
  constructor(
    private readonly reports: UsageReportsService,
    private readonly logs: UsageLogsService,
    private readonly exports: UsageExportService,
  ) {}

  @Get('summary')
  @ApiOperation({
    summary: 'Get your usage in a period, and in the previous one',
    description:
      'The default period is the last 30 days, including today. `previous` is the period of the same length before it. ' +
      'Running calls are included, with the figures known so far.',
  })
  @ApiOkResponse({ type: UsageSummaryDto })
  @ApiProblems(400)
  summary(@CurrentUser() user: Identity, @Query() query: UsageCallsQuery): Promise<UsageSummaryDto> {
    return this.reports.summarize(user, { ...query, userId: user.id });
  }

  @Get('timeseries')
  @ApiOperation({
    summary: 'Get your usage by hour, day, week or month',
    description:
      'Points follow the clock and calendar of `tz`: a day may have 23 hours, and weeks start on Monday. There are no gaps. ' +
      'Requests for more than 2,000 points are refused.',
  })
  @ApiOkResponse({ type: UsageTimeseriesDto })
  @ApiProblems(400)
  timeseries(
    @CurrentUser() user: Identity,
    @Query() query: UsageTimeseriesQuery,
  ): Promise<UsageTimeseriesDto> {
    return this.reports.trace(user, { ...query, userId: user.id });
  }

  @Get('logs')
  @ApiOperation({
    summary: 'List your model calls',
    description: 'By default, returns all calls, newest first.',
  })
  @ApiOkResponse({ type: UsageLogPageDto })
  @ApiProblems(400)
  list(@CurrentUser() user: Identity, @Query() query: UsageLogsQuery): Promise<Page<UsageLogDto>> {
    return this.logs.list(user, { ...query, userId: user.id });
  }

  @Get('export')
  @ApiOperation({
    summary: 'Download your model calls',
    description:
      'Returns the same calls as the logs, oldest first, up to now. The response is streamed, for any number of calls.',
  })
  @ApiUsageExport()
  @ApiProblems(400)
  async export(@CurrentUser() user: Identity, @Query() query: UsageExportQuery): Promise<StreamableFile> {
    return toStreamableFile(await this.exports.open(user, { ...query, userId: user.id }));
  }

  @Get('projection')
  @ApiOperation({
    summary: 'Project your cost from the current trend',
    description:
      'Based on the complete days of the last 28: a least-squares line through their costs, or their average if there are ' +
      'too few. `method` names the method used.',
  })
  @ApiOkResponse({ type: UsageProjectionDto })
  @ApiProblems(400)
  projection(
    @CurrentUser() user: Identity,
    @Query() query: UsageProjectionQuery,
  ): Promise<UsageProjectionDto> {
    return this.reports.project(user, { ...query, userId: user.id });
  }
}
