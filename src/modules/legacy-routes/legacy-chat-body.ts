type Fields = Record<string, unknown>;

/** Whether a body of `POST /api/chat` has the old frontend's format. */
export function isLegacyChatBody(body: unknown): body is Fields {
  return isFields(body) && typeof body['selectedChatModel'] === 'string';
}

/**
 * Converts the body to Switchboard's format. A model that this server does not know means the default model, as in the
 * old chatbot.
 *
 * @param models the ids of the models that may be chosen
 */
export function translateChatBody(body: Fields, models: readonly string[]): Fields {
  const { selectedChatModel, selectedVisibilityType, message, messages, ...rest } = body;
  const model = modelOf(String(selectedChatModel), models);
  return {
    ...rest,
    ...(message === undefined ? {} : { message: translateMessage(message) }),
    ...(messages === undefined
      ? {}
      : { messages: Array.isArray(messages) ? messages.map(translateMessage) : messages }),
    ...(model === undefined ? {} : { model }),
    ...(selectedVisibilityType === undefined ? {} : { visibility: selectedVisibilityType }),
  };
}

/** Gateways write versions with a dot (`anthropic/claude-haiku-4.5`). The vendor itself uses a dash. */
function modelOf(selected: string, models: readonly string[]): string | undefined {
  return [selected, selected.replaceAll('.', '-')].find((id) => models.includes(id));
}

function translateMessage(message: unknown): unknown {
  if (!isFields(message) || !Array.isArray(message['parts'])) return message;
  return { ...message, parts: (message['parts'] as unknown[]).map(translatePart) };
}

/** The old frontend puts the file name in `name`. */
function translatePart(part: unknown): unknown {
  if (!isFields(part) || part['type'] !== 'file' || typeof part['name'] !== 'string') return part;
  const { name, ...file } = part;
  return { ...file, filename: file['filename'] ?? name };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
