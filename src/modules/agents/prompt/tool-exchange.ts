import { createHash } from 'node:crypto';
import type { JSONObject, JSONValue, LanguageModelV4ToolResultPart } from '@ai-sdk/provider';
import { plainJson, plainText } from './plain-json.js';

type Output = LanguageModelV4ToolResultPart['output'];

/** OpenAI's Chat Completions accept at most 40 characters. Anthropic accepts no other characters. */
const CALL_ID = /^[\w-]{1,40}$/;
/** Gemini requires a letter or an underscore first. Gemini and OpenAI accept at most 64 characters. */
const TOOL_NAME = /^[A-Za-z_][\w-]{0,63}$/;
const MAX_TOOL_NAME = 64;
/** The number of characters to keep of an input that the model did not finish. */
const MAX_INVALID_INPUT = 2_000;
const NO_OUTPUT = '(no output)';

/** Makes names and ids of calls that every vendor accepts. Equal ones stay equal, and different ids stay different. */
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

/** Vendors require an object. An unfinished input is passed on as text. */
export function plainInput(input: unknown): JSONObject {
  const value = typeof input === 'string' ? parsed(input) : input;
  const json = plainJson(value ?? {});
  if (isObject(json)) return json;
  const text = typeof json === 'string' ? json : JSON.stringify(json);
  return { invalidInput: plainText(text.slice(0, MAX_INVALID_INPUT)) };
}

/** A result as text or as JSON, the two forms that all vendors have. */
export function plainOutput(output: Output): Output {
  switch (output.type) {
    case 'text':
    case 'error-text':
      return { type: output.type, value: outputText(output.value) };
    case 'json':
    case 'error-json':
      return { type: output.type, value: plainJson(output.value) };
    case 'execution-denied':
      return {
        type: 'execution-denied',
        reason: outputText(output.reason ?? 'The user has denied this call.'),
      };
    case 'content': {
      const texts = output.value.map((part) => (part.type === 'text' ? part.text : '[omitted file]'));
      return { type: 'text', value: outputText(texts.join('\n')) };
    }
  }
}

function isObject(json: JSONValue): json is JSONObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function outputText(text: string): string {
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
