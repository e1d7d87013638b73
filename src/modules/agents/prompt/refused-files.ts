import type { LanguageModelV4FilePart, LanguageModelV4Prompt } from '@ai-sdk/provider';
import { APICallError } from 'ai';
import { type AppError, type FieldError, validationFailed } from '../../../common/errors/app-error.js';
import type { ModelProvider } from '../../models/vendors/vendors.js';
import { addressOf, VENDORS } from '../../models/vendors/vendors.js';
import { FileUploadError } from '../../models/uploaded-files.js';
import { type FilePlace, placeOf } from './history-files.js';

/** A file that the vendor could not process, in a message of the user. */
export interface RefusedFile extends FilePlace {
  name: string;
}

interface PlacedFile extends RefusedFile {
  part: LanguageModelV4FilePart;
}

/** Whether these words of a vendor are about a file. */
export function isAboutFile(words: string, provider: ModelProvider): boolean {
  return provider !== 'demo' && VENDORS[provider].files.refusal.test(words);
}

/** The files of a prompt that a vendor may mean: the one that its error points at, else all. */
export function suspectsOf(error: unknown, prompt: LanguageModelV4Prompt): PlacedFile[] {
  const files = filesOf(prompt);
  if (error instanceof FileUploadError) return files.filter(({ part }) => part === error.part);
  const pointedAt = textsPointedAt(error);
  const meant = files.filter(({ part }) => pointedAt.some((text) => holds(text, part)));
  return meant.length > 0 ? meant : files;
}

/** A file of the question itself: the user has to send another. */
export function refusedInQuestion(
  files: readonly RefusedFile[],
  provider: ModelProvider,
  cause: unknown,
): AppError {
  const { name } = addressOf(provider);
  const errors: FieldError[] = files.map((file) => ({
    path: `message.parts.${file.index}`,
    message: `${name} could not process ${files.length === 1 ? 'the file' : 'this or another one of the files:'} ${file.name}. Later questions leave it out.`,
  }));
  return validationFailed(errors, cause);
}

function filesOf(prompt: LanguageModelV4Prompt): PlacedFile[] {
  return prompt.flatMap((message) => {
    if (message.role !== 'user') return [];
    return message.content.flatMap((part): PlacedFile[] => {
      const place = part.type === 'file' ? placeOf(part) : undefined;
      return part.type === 'file' && place ? [{ ...place, name: part.filename ?? part.mediaType, part }] : [];
    });
  });
}

/** As it is, or as the end of a data URL. */
function holds(text: string, { data }: LanguageModelV4FilePart): boolean {
  return data.type === 'data' && typeof data.data === 'string' && text.endsWith(data.data);
}

/** `messages.3.content.1.image…`, `input[3].content[1].image_url`, `contents[3].parts[1].inline_data` */
const POINTER = /\b(messages|input|contents)[.[](\d+)\]?\.(content|parts)[.[](\d+)\]?/;

/** All texts in the part of the request that an error names. */
function textsPointedAt(error: unknown): string[] {
  if (!APICallError.isInstance(error)) return [];
  const [, list, index, content, position] =
    POINTER.exec(`${error.message} ${error.responseBody ?? ''}`) ?? [];
  if (list === undefined || content === undefined) return [];
  const messages = (error.requestBodyValues as Record<string, unknown> | null)?.[list];
  const message = at(messages, Number(index)) as Record<string, unknown> | undefined;
  return textsIn(at(message?.[content], Number(position)));
}

function at(list: unknown, index: number): unknown {
  return Array.isArray(list) ? (list as unknown[])[index] : undefined;
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
