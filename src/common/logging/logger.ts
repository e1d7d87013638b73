import { type LoggerService } from '@nestjs/common';
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import { traceFields } from '../observability/spans.js';
import { LogOutput } from './log-output.js';
import { requestContext } from './request-context.js';
import { scrub } from './scrub.js';

interface SerializedError {
  name: string;
  message: string;
  stack?: string;
  code?: unknown;
  status?: unknown;
  cause?: SerializedError;
}

/** Errors whose messages quote what could not be read: a part of somebody's answer. */
const QUOTING = new Map([
  ['AI_JSONParseError', 'A text was not valid JSON.'],
  ['AI_TypeValidationError', 'A value did not have the expected form.'],
]);

/**
 * The parts of an error that are safe to log. Libraries attach requests, headers, SQL parameters and keys to their
 * errors. Only known fields are logged, with secrets removed.
 */
export function serializeError(error: unknown, depth = 0): SerializedError {
  if (!(error instanceof Error)) return { name: typeof error, message: scrub(String(error)) };
  const { code, statusCode, cause } = error as Error & { code?: unknown; statusCode?: unknown };
  const instead = QUOTING.get(error.name);
  if (instead !== undefined) return { name: error.name, message: instead, stack: framesOf(error) };
  return {
    name: error.name,
    message: scrub(error.message),
    stack: error.stack ? scrub(error.stack) : undefined,
    code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
    status: typeof statusCode === 'number' ? statusCode : undefined,
    cause: cause !== undefined && depth < 4 ? serializeError(cause, depth + 1) : undefined,
  };
}

/** The stack without the message that it begins with. Frames quote nothing. */
function framesOf({ stack = '', message }: Error): string {
  return stack.includes(message) ? stack.slice(stack.indexOf(message) + message.length).trimStart() : '';
}

/** The structured logger of the process. Every line of a request has its `requestId` and `userId`, and its
 * trace if there is one. */
export function createLogger(level: string, destination?: DestinationStream): PinoLogger {
  return pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => serializeError(error) },
      mixin: () => {
        const context = requestContext.getStore();
        return context ? { requestId: context.requestId, userId: context.userId, ...traceFields() } : {};
      },
      redact: {
        paths: ['*.authorization', '*.apiKey', '*.password', '*.token', '*.secret'],
        censor: '[redacted]',
      },
    },
    destination ?? new LogOutput(process.stdout.fd),
  );
}

/** Nest logs one line per route at startup. This helps with debugging but is noise in operation. */
const FRAMEWORK_CONTEXTS = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** Sends the output of Nest's `Logger` to pino. The last argument is Nest's context name. */
export class NestLogger implements LoggerService {
  constructor(private readonly pino: PinoLogger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.write(FRAMEWORK_CONTEXTS.has(String(rest.at(-1))) ? 'debug' : 'info', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  private write(
    level: 'info' | 'error' | 'warn' | 'debug' | 'trace' | 'fatal',
    message: unknown,
    rest: unknown[],
  ): void {
    if (!this.pino.isLevelEnabled(level)) return;
    const texts = rest.filter((item): item is string => typeof item === 'string');
    const context = texts.at(-1);
    if (message instanceof Error) return this.pino[level]({ context, err: message }, scrub(message.message));
    if (typeof message === 'object' && message !== null)
      return this.pino[level]({ context, ...message }, texts[0]);
    this.pino[level]({ context }, scrub(String(message)));
  }
}
