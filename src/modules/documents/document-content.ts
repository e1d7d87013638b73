import { invalidField } from '../../common/errors/app-error.js';
import { findCsvProblem } from './csv.js';
import type { DocumentKind } from './dto/document.dto.js';

/** How a content is not what its kind promises: a sheet is valid CSV. The others are any text. */
export function contentProblem(kind: DocumentKind, content: string): string | undefined {
  const problem = kind === 'sheet' ? findCsvProblem(content) : undefined;
  return problem && `is not valid CSV: ${problem.message} (line ${problem.line})`;
}

/**
 * Holds a content to what its kind promises.
 *
 * @throws AppError 400 naming `path`
 */
export function checkContent(kind: DocumentKind, content: string, path = 'content'): void {
  const problem = contentProblem(kind, content);
  if (problem !== undefined) throw invalidField(path, problem);
}
