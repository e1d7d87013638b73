import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Attributes, Tracer } from '@opentelemetry/api';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';

export interface FinishedSpan {
  name: string;
  startedAt: Date;
  endedAt: Date;
  /** Names and figures, never message content. */
  attributes: Attributes;
  /** The stable code of a failure. */
  errorCode?: string;
}

/**
 * Sends spans to the OTLP collector at `OTEL_EXPORTER_OTLP_ENDPOINT`. Without a collector, OpenTelemetry is not loaded.
 * The provider is not registered globally, so libraries that record prompts with any tracer they find do not use this
 * one.
 */
@Injectable()
export class Tracing implements OnModuleInit, OnApplicationShutdown {
  private tracer?: Tracer;
  private shutdown?: () => Promise<void>;

  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig) {}

  async onModuleInit(): Promise<void> {
    const { otlpEndpoint } = this.config;
    if (!otlpEndpoint) return;
    const [{ OTLPTraceExporter }, { resourceFromAttributes }, { BasicTracerProvider, BatchSpanProcessor }] =
      await Promise.all([
        import('@opentelemetry/exporter-trace-otlp-http'),
        import('@opentelemetry/resources'),
        import('@opentelemetry/sdk-trace-base'),
      ]);
    const exporter = new OTLPTraceExporter({ url: `${otlpEndpoint.replace(/\/$/, '')}/v1/traces` });
    const provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'switchboard' }),
      spanProcessors: [new BatchSpanProcessor(exporter)],
    });
    this.tracer = provider.getTracer('switchboard');
    // An unavailable collector must not delay the shutdown.
    this.shutdown = () => provider.shutdown().catch(() => undefined);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.shutdown?.();
  }

  /** Records a completed operation. Costs nothing without a collector. */
  record({ name, startedAt, endedAt, attributes, errorCode }: FinishedSpan): void {
    const span = this.tracer?.startSpan(name, { kind: SPAN_KIND_CLIENT, startTime: startedAt, attributes });
    if (!span) return;
    if (errorCode !== undefined) {
      span.setAttribute('error.type', errorCode);
      span.setStatus({ code: STATUS_ERROR, message: errorCode });
    }
    span.end(endedAt);
  }
}

// The values of OpenTelemetry's enums, so that it does not have to be loaded for them.
const SPAN_KIND_CLIENT = 2;
const STATUS_ERROR = 2;
