import type { SuggestionDto } from './dto/suggestion.dto.js';
import type { SuggestionRow } from './suggestions.repository.js';

export function toSuggestion(row: SuggestionRow): SuggestionDto {
  return {
    id: row.id,
    documentId: row.documentId,
    documentCreatedAt: row.documentCreatedAt.toISOString(),
    userId: row.userId,
    originalText: row.originalText,
    suggestedText: row.suggestedText,
    description: row.description,
    isResolved: row.isResolved,
    createdAt: row.createdAt.toISOString(),
  };
}
