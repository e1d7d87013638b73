import { monitorEventLoopDelay } from 'node:perf_hooks';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { type AppError, rateLimited, unavailable } from '../../common/errors/app-error.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { StreamHub } from './stream-hub/stream-hub.js';

/** How often the delay of the event loop is read, in milliseconds. */
const WINDOW = 1_000;
/** A single pause, for example for garbage, is no overload. */
const SLOW_WINDOWS = 2;
const NANOSECONDS = 1_000_000;
/** Seconds. */
const RETRY_AFTER = 2;

/** Refuses new turns before they harm those that are running. */
@Injectable()
export class StreamLimits implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(StreamLimits.name);
  private readonly delay = monitorEventLoopDelay({ resolution: 20 });
  private timer?: NodeJS.Timeout;
  private slowWindows = 0;

  constructor(
    private readonly hub: StreamHub,
    @Inject(APP_CONFIG) private readonly config: AppConfig,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.load.eventLoopDelay === 0) return;
    this.delay.enable();
    this.timer = setInterval(() => this.read(), WINDOW).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.delay.disable();
  }

  /** @throws AppError 429 if the user has too many running answers, 503 if this instance cannot take another one */
  assertRoom(userId: string): void {
    const { streams, streamsPerUser } = this.config.load;
    const { size } = this.hub;
    if (this.slowWindows >= SLOW_WINDOWS)
      throw this.refuse(
        userId,
        unavailable('The server is overloaded. Send the message again in a moment.', RETRY_AFTER),
      );
    if (streamsPerUser > 0 && size >= streamsPerUser && this.hub.countOf(userId) >= streamsPerUser) {
      const detail = `${streamsPerUser} of your answers are being generated. Send the message again when one of them has ended.`;
      throw this.refuse(userId, rateLimited(detail, RETRY_AFTER));
    }
    if (streams > 0 && size >= streams)
      throw this.refuse(
        userId,
        unavailable(
          'The server generates as many answers as it may. Send the message again in a moment.',
          RETRY_AFTER,
        ),
      );
  }

  private read(): void {
    const mean = this.delay.count > 0 ? this.delay.mean / NANOSECONDS : 0;
    this.delay.reset();
    this.slowWindows = mean > this.config.load.eventLoopDelay ? this.slowWindows + 1 : 0;
    if (this.slowWindows === SLOW_WINDOWS)
      this.logger.warn(
        { milliseconds: Math.round(mean) },
        'The event loop is slow. New messages are refused.',
      );
  }

  private refuse(userId: string, error: AppError): AppError {
    this.logger.log({ userId, status: error.status }, 'A message was refused because of the load.');
    return error;
  }
}
