import { createHash } from 'node:crypto';
import type { JSONObject, JSONValue, LanguageModelV4ToolResultPart } from '@ai-sdk/provider';
import { plainJson, plainText } from './plain-json.js';

type Output = LanguageModelV4ToolResultPart['output'];

/** OpenAI's Chat Completions take 40 characters, Anthropic no other characters. */
const CALL_ID = /^[\w-]{1,40}$/;
/** Gemini wants a letter or an underscore first, and at most 64 characters, as OpenAI does. */
const TOOL_NAME = /^[A-Za-z_][\w-]{0,63}$/;
const MAX_TOOL_NAME = 64;
/** Characters of an input that a model has cut off. */
const MAX_INVALID_INPUT = 2_000;
const NO_OUTPUT = '(no output)';

/** Names and ids of calls that every vendor takes; equal ones stay equal, different ids different. */
export class CallNames {
  private readonly ids = new Map<string, string>();

  idOf(id: string): string {
    if (CALL_ID.test(id)) return id;
    const known = this.ids.get(id) ?? `call_${createHash('sha256').update(id).digest('hex').slice(0, 32)}`;
    this.ids.set(id, known);
    return known;
  }

  nameOf(name: string): string {
    if (TOOL_NAME.test(name)) return name;
    return `_${name.replace(/[^\w-]/g, '_')}`.slice(0, MAX_TOOL_NAME);
  }
}

/** Vendors want an object. An input that a model has begun and not finished is told as it is. */
export function plainInput(input: unknown): JSONObject {
  const value = typeof input === 'string' ? parsed(input) : input;
  const json = plainJson(value ?? {});
  if (isObject(json)) return json;
  const text = typeof json === 'string' ? json : JSON.stringify(json);
  return { invalidInput: plainText(text.slice(0, MAX_INVALID_INPUT)) };
}

/** A result in words or as JSON: the forms that all vendors have. */
export function plainOutput(output: Output): Output {
  switch (output.type) {
    case 'text':
    case 'error-text':
      return { type: output.type, value: said(output.value) };
    case 'json':
    case 'error-json':
      return { type: output.type, value: plainJson(output.value) };
    case 'execution-denied':
      return { type: 'execution-denied', reason: said(output.reason ?? 'The user has denied this call.') };
    case 'content': {
      const texts = output.value.map((part) => (part.type === 'text' ? part.text : '[omitted file]'));
      return { type: 'text', value: said(texts.join('\n')) };
    }
  }
}

function isObject(json: JSONValue): json is JSONObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function said(text: string): string {
  const plain = plainText(text);
  return plain.trim() === '' ? NO_OUTPUT : plain;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
