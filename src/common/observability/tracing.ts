import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { setSpanSink } from './spans.js';

/**
 * Sends spans to the OTLP collector at `OTEL_EXPORTER_OTLP_ENDPOINT`. Without a collector, OpenTelemetry is not loaded.
 * The provider is not registered globally, so libraries that record prompts with any tracer they find do not use this
 * one. `OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS` and the other variables of OpenTelemetry apply.
 */
@Injectable()
export class Tracing implements OnModuleInit, OnApplicationShutdown {
  private shutdown?: () => Promise<void>;

  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig) {}

  async onModuleInit(): Promise<void> {
    const { endpoint, serviceName, capturesContent } = this.config.tracing;
    if (!endpoint) return;
    const [
      { ROOT_CONTEXT, trace },
      { OTLPTraceExporter },
      { resourceFromAttributes },
      { BasicTracerProvider, BatchSpanProcessor },
    ] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace-base'),
    ]);
    const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
    const provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': serviceName }),
      spanProcessors: [new BatchSpanProcessor(exporter)],
    });
    const tracer = provider.getTracer('switchboard');
    setSpanSink({
      capturesContent,
      start: (name, options, parent) =>
        tracer.startSpan(name, options, parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT),
    });
    this.shutdown = async () => {
      setSpanSink(undefined);
      // An unavailable collector must not delay the shutdown.
      await provider.shutdown().catch(() => undefined);
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.shutdown?.();
  }
}
