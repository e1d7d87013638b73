import type { UIMessage } from 'ai';
import { validationFailed } from '../../../common/errors/app-error.js';
import type { SelectedModel } from '../providers/model-selector.js';

/**
 * The history without the files that the agent may not be given. Files of earlier messages, from when it or another
 * agent might, are named in their place.
 */
export function withAllowedFiles(history: UIMessage[], model: SelectedModel): UIMessage[] {
  if (takesFiles(model)) return history;
  return history.map((message) => ({ ...message, parts: message.parts.map(withoutFile) }));
}

function takesFiles({ agentConfig, catalog }: SelectedModel): boolean {
  return agentConfig.capabilities?.fileInput !== false && catalog?.capabilities['fileInput'] !== false;
}

/** @throws AppError 400 when a question has a file that the model may not be given */
export function refuseFiles({ parts }: Pick<UIMessage, 'parts'>, model: SelectedModel): void {
  if (takesFiles(model)) return;
  const errors = parts.flatMap(({ type }, index) =>
    type === 'file'
      ? [{ path: `message.parts.${index}`, message: `files can not be given to ${model.id} here` }]
      : [],
  );
  if (errors.length > 0) throw validationFailed(errors);
}

function withoutFile(part: UIMessage['parts'][number]): UIMessage['parts'][number] {
  return part.type === 'file' ? { type: 'text', text: `[a file: ${part.filename ?? part.mediaType}]` } : part;
}
