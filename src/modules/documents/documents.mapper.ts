import type { DocumentDto, DocumentVersionDto } from './dto/document.dto.js';
import type { DocumentRow } from './documents.repository.js';

export function toDocument(row: DocumentRow): DocumentDto {
  return {
    id: row.id,
    userId: row.userId,
    title: row.title,
    kind: row.kind,
    // The column may be null if another program wrote it, but clients expect a string.
    content: row.content ?? '',
    createdAt: row.createdAt.toISOString(),
  };
}

export function toVersion(row: DocumentRow, withContent: boolean): DocumentVersionDto {
  const { content, ...version } = toDocument(row);
  return withContent ? { ...version, content } : version;
}
