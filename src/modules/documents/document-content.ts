import { invalidField } from '../../common/errors/app-error.js';
import { findCsvProblem } from './csv.js';
import type { DocumentKind } from './dto/document.dto.js';

/** Why a content is invalid for its kind. A sheet must be valid CSV. The other kinds can be any text. */
export function contentProblem(kind: DocumentKind, content: string): string | undefined {
  const problem = kind === 'sheet' ? findCsvProblem(content) : undefined;
  return problem && `is not valid CSV: ${problem.message} (line ${problem.line})`;
}

/**
 * Validates a content for its kind.
 *
 * @throws AppError 400 naming `path`
 */
export function checkContent(kind: DocumentKind, content: string, path = 'content'): void {
  const problem = contentProblem(kind, content);
  if (problem !== undefined) throw invalidField(path, problem);
}
