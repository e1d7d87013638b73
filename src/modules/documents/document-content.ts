import { invalidField } from '../../common/errors/app-error.js';
import { findCsvProblem } from './csv.js';
import type { DocumentKind } from './dto/document.dto.js';

/**
 * Holds a content to what its kind promises: a sheet is valid CSV. The others are any text.
 *
 * @throws AppError 400 naming `path`
 */
export function checkContent(kind: DocumentKind, content: string, path = 'content'): void {
  if (kind !== 'sheet') return;
  const problem = findCsvProblem(content);
  if (problem) throw invalidField(path, `is not valid CSV: ${problem.message} (line ${problem.line})`);
}
