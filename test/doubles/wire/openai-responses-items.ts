import type { Body } from './dialect.js';
import type { ScriptedCodeRun } from '../script.js';
import type { Reply } from './reply.js';
import { ENCRYPTED_CONTENT } from './signatures.js';

/** One output item: how it starts, its deltas, and the whole item. */
export interface ResponsesItem {
  opening: Body;
  events(outputIndex: number): Iterable<{ value: Body; content: boolean }>;
  done(): Body;
}

/** Characters of a tool's arguments in one event. */
const ARGUMENTS_PIECE = 16;

/** Deltas are padded, so that their length on the wire does not reveal the length of the words. */
const OBFUSCATION = 'aB3dE5gH7jK9mN1p';

/** The items of the reply. Their text is made once, on first use. */
export function responsesItems(reply: Reply, body: Body): ResponsesItem[] {
  const items: ResponsesItem[] = [];
  if (reply.reasoning.length > 0) items.push(reasoningItem(reply, body));
  const allows = (tool: string) =>
    (body['tools'] as Body[] | undefined)?.some(({ type }) => String(type).startsWith(tool));
  if (allows('web_search') && reply.sources.length > 0) items.push(searchItem(reply, body));
  if (allows('code_interpreter') && reply.codeRun) items.push(codeItem(reply, reply.codeRun, body));
  if (reply.textChunks > 0) items.push(messageItem(reply));
  if (reply.refusal.length > 0) items.push(refusalItem(reply));
  for (const [index, call] of reply.toolCalls.entries()) items.push(callItem(reply, index, call));
  return items;
}

function reasoningItem({ id, reasoning }: Reply, body: Body): ResponsesItem {
  const item_id = `rs_${id}`;
  const encrypted = (body['include'] as string[] | undefined)?.includes('reasoning.encrypted_content')
    ? { encrypted_content: ENCRYPTED_CONTENT }
    : {};
  const text = reasoning.join('');
  const part = { type: 'summary_text', text };
  return {
    opening: { id: item_id, type: 'reasoning', ...encrypted, summary: [] },
    *events(output_index) {
      const at = { item_id, output_index, summary_index: 0 };
      const type = 'response.reasoning_summary';
      yield structure({ type: `${type}_part.added`, ...at, part: { ...part, text: '' } });
      for (const [index, delta] of reasoning.entries()) {
        yield content({ type: `${type}_text.delta`, ...at, delta, obfuscation: padding(index) });
      }
      yield structure({ type: `${type}_text.done`, ...at, text });
      yield structure({ type: `${type}_part.done`, ...at, part });
    },
    done: () => ({ id: item_id, type: 'reasoning', ...encrypted, summary: [part] }),
  };
}

/** A search that the service makes itself, for clients that allow it. */
function searchItem({ id, sources }: Reply, body: Body): ResponsesItem {
  const item_id = `ws_${id}`;
  const named = (body['include'] as string[] | undefined)?.includes('web_search_call.action.sources');
  const type = 'response.web_search_call';
  return {
    opening: { id: item_id, type: 'web_search_call', status: 'in_progress' },
    *events(output_index) {
      yield structure({ type: `${type}.in_progress`, output_index, item_id });
      yield structure({ type: `${type}.searching`, output_index, item_id });
      yield structure({ type: `${type}.completed`, output_index, item_id });
    },
    done: () => ({
      id: item_id,
      type: 'web_search_call',
      status: 'completed',
      action: {
        type: 'search',
        query: 'what the user said',
        ...(named ? { sources: sources.map(({ url }) => ({ type: 'url', url })) } : {}),
      },
    }),
  };
}

/** Code that the service writes and runs itself, in its own container. */
function codeItem({ id }: Reply, { code, output }: ScriptedCodeRun, body: Body): ResponsesItem {
  const item_id = `ci_${id}`;
  const told = (body['include'] as string[] | undefined)?.includes('code_interpreter_call.outputs');
  const base = { id: item_id, type: 'code_interpreter_call', container_id: `cntr_${id}` };
  const type = 'response.code_interpreter_call';
  return {
    opening: { ...base, status: 'in_progress', code: '', outputs: null },
    *events(output_index) {
      const at = { output_index, item_id };
      yield structure({ type: `${type}.in_progress`, ...at });
      yield structure({ type: `${type}_code.delta`, ...at, delta: code, obfuscation: padding(0) });
      yield structure({ type: `${type}_code.done`, ...at, code });
      yield structure({ type: `${type}.interpreting`, ...at });
      yield structure({ type: `${type}.completed`, ...at });
    },
    done: () => ({
      ...base,
      status: 'completed',
      code,
      outputs: told ? [{ type: 'logs', logs: output }] : null,
    }),
  };
}

function messageItem({ id, text, sources }: Reply): ResponsesItem {
  const item_id = `msg_${id}`;
  const base = { id: item_id, type: 'message', role: 'assistant' };
  const annotations = sources.map(({ url, title }) => ({
    type: 'url_citation',
    start_index: 0,
    end_index: title.length,
    url,
    title,
  }));
  let whole: string | undefined;
  const part = (): Body => ({
    type: 'output_text',
    annotations,
    logprobs: [],
    text: (whole ??= [...text].join('')),
  });
  return {
    opening: { ...base, status: 'in_progress', content: [] },
    *events(output_index) {
      const at = { item_id, output_index, content_index: 0 };
      const empty = { type: 'output_text', annotations: [], logprobs: [], text: '' };
      yield structure({ type: 'response.content_part.added', ...at, part: empty });
      let soFar = '';
      let index = 0;
      for (const delta of text) {
        soFar += delta;
        yield content({
          type: 'response.output_text.delta',
          ...at,
          delta,
          logprobs: [],
          obfuscation: padding(index++),
        });
      }
      whole = soFar;
      for (const [annotation_index, annotation] of annotations.entries()) {
        yield structure({
          type: 'response.output_text.annotation.added',
          ...at,
          annotation_index,
          annotation,
        });
      }
      yield structure({ type: 'response.output_text.done', ...at, text: whole, logprobs: [] });
      yield structure({ type: 'response.content_part.done', ...at, part: part() });
    },
    done: () => ({ ...base, status: 'completed', content: [part()] }),
  };
}

function refusalItem({ id, refusal }: Reply): ResponsesItem {
  const item_id = `msg_r${id}`;
  const base = { id: item_id, type: 'message', role: 'assistant' };
  const part = { type: 'refusal', refusal: refusal.join('') };
  return {
    opening: { ...base, status: 'in_progress', content: [] },
    *events(output_index) {
      const at = { item_id, output_index, content_index: 0 };
      yield structure({ type: 'response.content_part.added', ...at, part: { ...part, refusal: '' } });
      for (const delta of refusal) yield content({ type: 'response.refusal.delta', ...at, delta });
      yield structure({ type: 'response.refusal.done', ...at, refusal: part.refusal });
      yield structure({ type: 'response.content_part.done', ...at, part });
    },
    done: () => ({ ...base, status: 'completed', content: [part] }),
  };
}

function callItem(reply: Reply, index: number, call: Reply['toolCalls'][number]): ResponsesItem {
  const item_id = `fc_${reply.id}${index}`;
  const json = JSON.stringify(call.input);
  const base = { id: item_id, type: 'function_call', call_id: call.id, name: call.name };
  const type = 'response.function_call_arguments';
  return {
    opening: { ...base, status: 'in_progress', arguments: '' },
    *events(output_index) {
      for (let at = 0; at < json.length; at += ARGUMENTS_PIECE) {
        const delta = json.slice(at, at + ARGUMENTS_PIECE);
        yield content({ type: `${type}.delta`, item_id, output_index, delta, obfuscation: padding(at) });
      }
      yield structure({ type: `${type}.done`, item_id, output_index, arguments: json });
    },
    done: () => ({ ...base, status: 'completed', arguments: json }),
  };
}

function padding(index: number): string {
  return OBFUSCATION.slice(index % OBFUSCATION.length);
}

function structure(value: Body): { value: Body; content: boolean } {
  return { value, content: false };
}

function content(value: Body): { value: Body; content: boolean } {
  return { value, content: true };
}
