/** A part in an old row, or in a new one. */
export type Fields = Record<string, unknown>;

export interface Converted {
  parts: Fields[];
  /** What could not be copied unchanged. */
  notes: string[];
}

/** The text that readers see for a call that was never made, or whose result was lost. */
const NO_RESULT = 'This call has no result.';
const FINISHED = new Set(['output-available', 'output-error', 'output-denied']);
const DATA_TYPE = /^data-[\w-]+$/;

/** Converts the parts and the attachments of a `"Message_v2"` of AI SDK 4 to 7 to current parts. */
export function convertParts(parts: unknown, attachments: unknown): Converted {
  const notes: string[] = [];
  const files = list(attachments, 'attachments', notes).flatMap((item) => convertAttachment(item, notes));
  const rest = list(parts, 'parts', notes).flatMap((item) => convertPart(item, notes));
  // A frontend that sent its images in both ways stored them twice.
  const urls = new Set(rest.filter(({ type }) => type === 'file').map(({ url }) => url));
  return { parts: [...files.filter(({ url }) => !urls.has(url)), ...rest], notes };
}

function list(value: unknown, name: string, notes: string[]): unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'string' && value !== '') {
    notes.push(`its ${name} were a text`);
    return name === 'parts' ? [{ type: 'text', text: value }] : [];
  }
  notes.push(`its ${name} were no list`);
  return isFields(value) ? [value] : [];
}

function convertPart(part: unknown, notes: string[]): Fields[] {
  if (part === null || part === undefined) {
    notes.push('a part was null');
    return [];
  }
  if (typeof part === 'string') return [{ type: 'text', text: part }];
  if (!isFields(part)) return [unknown(part, notes)];
  const { type } = part;
  if (type === 'text') return [typeof part['text'] === 'string' ? part : unknown(part, notes)];
  if (type === 'reasoning' || type === 'redacted-reasoning') return convertReasoning(part, notes);
  if (type === 'tool-invocation')
    return [convertInvocation(part['toolInvocation'], notes) ?? unknown(part, notes)];
  if (type === 'source') return [convertSource(part) ?? unknown(part, notes)];
  if (type === 'file' || type === 'image') return [convertFile(part) ?? unknown(part, notes)];
  if (type === 'tool-call') return [convertInvocation(part, notes) ?? unknown(part, notes)];
  if (typeof type !== 'string') return [unknown(part, notes)];
  if (type === 'step-start') return [{ type }];
  if (type === 'dynamic-tool' || type.startsWith('tool-'))
    return [convertTool(part, notes) ?? unknown(part, notes)];
  if (type === 'source-url' || type === 'source-document') {
    return [typeof part['sourceId'] === 'string' ? part : unknown(part, notes)];
  }
  return [DATA_TYPE.test(type) && 'data' in part ? part : unknown(part, notes)];
}

/** Keeps data of an unknown format in a part that clients ignore. */
function unknown(part: unknown, notes: string[]): Fields {
  notes.push('a part of an unknown form is kept as data-legacy');
  return { type: 'data-legacy', data: part };
}

function convertReasoning(part: Fields, notes: string[]): Fields[] {
  const { text, reasoning, details, signature, data } = part;
  const entries: unknown[] = Array.isArray(details) && details.length > 0 ? details : [part];
  const converted = entries.filter(isFields).flatMap((entry): Fields[] => {
    if (entry['type'] === 'redacted' || entry['type'] === 'redacted-reasoning') {
      return [reasoningOf('', { redactedData: entry['data'] ?? data })];
    }
    const own = entry['text'] ?? text ?? reasoning;
    if (typeof own !== 'string' || (own === 'undefined' && reasoning === own)) return [];
    if (entry === part && reasoning === undefined) {
      const { signature: _signature, details: _details, ...rest } = part;
      return [signature === undefined ? rest : { ...rest, ...reasoningOf(own, { signature }) }];
    }
    return [reasoningOf(own, { signature: entry['signature'] ?? signature })];
  });
  if (converted.length === 0) notes.push('a reasoning without a text was left out');
  return converted;
}

function reasoningOf(text: string, anthropic: Fields): Fields {
  const known = Object.fromEntries(
    Object.entries(anthropic).filter(([, value]) => typeof value === 'string'),
  );
  const notes = Object.keys(known).length === 0 ? {} : { providerMetadata: { anthropic: known } };
  return { type: 'reasoning', text, state: 'done', ...notes };
}

/** A call of AI SDK 4, with its result if it has one. */
export function convertInvocation(
  invocation: unknown,
  notes: string[],
  results?: Map<string, unknown>,
): Fields | undefined {
  if (!isFields(invocation)) return undefined;
  const { toolName, toolCallId } = invocation;
  if (typeof toolName !== 'string' || typeof toolCallId !== 'string') return undefined;
  const call = {
    type: `tool-${toolName}`,
    toolCallId,
    input: invocation['args'] ?? invocation['input'] ?? {},
  };
  const result = results?.has(toolCallId) ? results.get(toolCallId) : invocation['result'];
  if (result !== undefined) return { ...call, state: 'output-available', output: result };
  notes.push('a call without a result was closed');
  return { ...call, state: 'output-error', errorText: NO_RESULT };
}

/** A call of AI SDK 5 or later. A call that waits will never get an answer, because the old server is gone. */
function convertTool(part: Fields, notes: string[]): Fields | undefined {
  const { type, toolCallId, toolName, state } = part;
  if (typeof toolCallId !== 'string' || typeof state !== 'string') return undefined;
  if (type === 'dynamic-tool' && typeof toolName !== 'string') return undefined;
  if (FINISHED.has(state)) {
    if (state === 'output-error' && typeof part['errorText'] !== 'string')
      return { ...part, errorText: NO_RESULT };
    return part;
  }
  notes.push('a call without a result was closed');
  const { approval: _approval, ...call } = part;
  return { ...call, state: 'output-error', errorText: NO_RESULT };
}

function convertSource({ source }: Fields): Fields | undefined {
  if (!isFields(source) || typeof source['url'] !== 'string') return undefined;
  const { id, url, title } = source;
  return {
    type: 'source-url',
    sourceId: typeof id === 'string' ? id : url,
    url,
    ...(typeof title === 'string' ? { title } : {}),
  };
}

/** A file with its URL or its data. `image` and `data` are from AI SDK 4, and `name` is from the old chatbot. */
function convertFile(part: Fields): Fields | undefined {
  const { image, data, url, filename, name, ...rest } = part;
  const { type: _type, mediaType: _media, mimeType: _mime, contentType: _content, ...more } = rest;
  const source = url ?? image ?? data;
  if (typeof source !== 'string' || source === '') return undefined;
  const mediaType =
    firstText(part['mediaType'], part['mimeType'], part['contentType']) ?? mediaTypeOf(source, part);
  const isAddress = /^[a-z][a-z0-9+.-]*:/i.test(source) || source.startsWith('/');
  const title = firstText(filename, name);
  return {
    ...more,
    type: 'file',
    mediaType,
    ...(title === undefined ? {} : { filename: title }),
    url: url !== undefined || isAddress ? source : `data:${mediaType};base64,${source}`,
  };
}

function convertAttachment(item: unknown, notes: string[]): Fields[] {
  const file = isFields(item) ? convertFile(item) : undefined;
  if (file) return [file];
  notes.push('an attachment without an address was left out');
  return [];
}

const TYPES: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  pdf: 'application/pdf',
};

function mediaTypeOf(url: string, { type, name }: Fields): string {
  const inline = /^data:([\w.+-]+\/[\w.+-]+)/.exec(url)?.[1];
  if (inline !== undefined) return inline;
  for (const path of [url.split(/[?#]/, 1)[0], name]) {
    const extension = typeof path === 'string' ? /\.(\w+)$/.exec(path)?.[1]?.toLowerCase() : undefined;
    if (extension !== undefined && TYPES[extension] !== undefined) return TYPES[extension];
  }
  return type === 'image' ? 'image/png' : 'application/octet-stream';
}

function firstText(...values: unknown[]): string | undefined {
  return values.find((value): value is string => typeof value === 'string' && value !== '');
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
