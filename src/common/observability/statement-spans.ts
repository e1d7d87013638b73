import type { Span } from '@opentelemetry/api';
import { activeSpan, errorTypeOf, markFailed, SPAN_KIND, startSpan } from './spans.js';

/** Enough to recognize a statement. */
const MAX_TEXT = 1_000;

/** Begins the span of a statement, if it is part of a request or another traced work. Parameters are never recorded. */
export function startStatementSpan(statement: unknown): Span | undefined {
  if (!activeSpan()) return undefined;
  const text =
    typeof statement === 'string' ? statement : (statement as { text?: unknown } | undefined)?.text;
  if (typeof text !== 'string') return undefined;
  const operation = (/[a-z]+/i.exec(text)?.[0] ?? 'query').toUpperCase();
  return startSpan(operation, {
    kind: SPAN_KIND.client,
    attributes: {
      'db.system.name': 'postgresql',
      'db.operation.name': operation,
      'db.query.text': text.replaceAll(/\s+/g, ' ').trim().slice(0, MAX_TEXT),
    },
  });
}

/** Ends the span together with the result of the statement. */
export function endWithResult(span: Span, result: unknown): void {
  if (!(result instanceof Promise)) return span.end();
  result.then(
    () => span.end(),
    (error: unknown) => {
      markFailed(span, errorTypeOf(error));
      span.end();
    },
  );
}
