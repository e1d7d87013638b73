import { Controller, Get, Header, Inject } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiProperty,
  ApiPropertyOptional,
  ApiTags,
} from '@nestjs/swagger';
import { Public } from '../../common/auth/decorators.js';
import { ApiProblem } from '../../common/errors/api-problems.js';
import { notFound, unavailable } from '../../common/errors/app-error.js';
import { Unthrottled } from '../../common/http/request-throttle.js';
import { metricsRegistry } from '../../common/observability/metrics.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { HealthService } from './health.service.js';

const METRICS_EXAMPLE = `# HELP switchboard_active_streams Answers being generated now.
# TYPE switchboard_active_streams gauge
switchboard_active_streams 3
`;

class HealthDto {
  @ApiProperty({ enum: ['ok'], example: 'ok' })
  status: 'ok';
}

class ReadyDto extends HealthDto {
  @ApiPropertyOptional({
    enum: ['up', 'down'],
    example: 'up',
    description: 'Present if `REDIS_URL` is set. The server is ready without Redis, too.',
  })
  redis?: 'up' | 'down';
}

@ApiTags('System')
@Public()
@Controller()
export class HealthController {
  constructor(
    private readonly health: HealthService,
    @Inject(APP_CONFIG) private readonly config: AppConfig,
  ) {}

  @Get('health/live')
  @Unthrottled()
  @ApiOperation({ summary: 'Check whether the process is alive' })
  @ApiOkResponse({ type: HealthDto })
  live(): HealthDto {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @Unthrottled()
  @ApiOperation({
    summary: 'Check whether the server is ready',
    description:
      'It is ready if the database answers and has all migrations of this version, and no shutdown is in progress.',
  })
  @ApiOkResponse({ type: ReadyDto })
  @ApiProblem(503)
  async ready(): Promise<ReadyDto> {
    const [isReady, redis] = await Promise.all([this.health.isReady(), this.health.stateOfRedis()]);
    if (!isReady) throw unavailable('The server is not ready.', 2);
    return { status: 'ok', ...(redis && { redis }) };
  }

  /** Serves metrics here only if `METRICS_PORT` is not set. */
  @Get('metrics')
  @ApiOperation({
    summary: 'Read the Prometheus metrics',
    description: 'If `METRICS_PORT` is set, they are only served there, and this route returns 404.',
  })
  @ApiProduces('text/plain')
  @ApiOkResponse({ schema: { type: 'string', example: METRICS_EXAMPLE } })
  @Header('content-type', metricsRegistry.contentType)
  metrics(): Promise<string> {
    if (this.config.server.metricsPort !== undefined) throw notFound('This path');
    return metricsRegistry.metrics();
  }
}
