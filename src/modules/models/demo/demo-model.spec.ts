import type { LanguageModelV4CallOptions, LanguageModelV4Prompt } from '@ai-sdk/provider';
import { findCsvProblem } from '../../documents/csv.js';
import {
  SUGGESTION_INSTRUCTIONS,
  updateInstructions,
  writingInstructions,
} from '../../agents/tools/document-prompts.js';
import { DemoModel } from './demo-model.js';

const model = new DemoModel();
const DOCUMENT = '0b0e7c2e-6f5c-4a52-9d0a-3f1f6f2d9a11';

const user = (text: string) => ({ role: 'user' as const, content: [{ type: 'text' as const, text }] });
const system = (content: string) => ({ role: 'system' as const, content });

/** The only part of an answer: a text, or a tool call. */
async function answer(prompt: LanguageModelV4Prompt, options: Partial<LanguageModelV4CallOptions> = {}) {
  const { content, finishReason, usage } = await model.doGenerate({ prompt, ...options });
  const [part] = content;
  expect(content).toHaveLength(1);
  expect(usage.inputTokens.total).toBeGreaterThan(0);
  expect(usage.outputTokens.total).toBeGreaterThan(0);
  if (part?.type === 'tool-call') {
    expect(finishReason.unified).toBe('tool-calls');
    return { text: '', tool: part.toolName, input: JSON.parse(part.input) as unknown };
  }
  expect(finishReason.unified).toBe('stop');
  return { text: part?.type === 'text' ? part.text : '', tool: undefined, input: undefined };
}

describe('the demo model as a router', () => {
  const route = async (message: string, situation: object = {}, agents = ['chat', 'artifact', 'git_mcp']) => {
    const { text } = await answer(
      [system('You decide.'), user(JSON.stringify({ recentMessages: [], message, ...situation }))],
      {
        responseFormat: {
          type: 'json',
          schema: { type: 'object', properties: { agent: { type: 'string', enum: agents } } },
        },
      },
    );
    const { agent, reason } = JSON.parse(text) as { agent: string; reason: string };
    expect(reason).not.toBe('');
    return agent;
  };

  it.each([
    ['write an essay about tides', 'artifact'],
    ['Could you draft a letter to my landlord?', 'artifact'],
    ['Create a Python script that sorts names', 'artifact'],
    ['Make me a table of the planets', 'artifact'],
    ['Draw a lighthouse', 'artifact'],
    ['Write the report on the year', 'artifact'],
    ['Make it shorter', 'artifact'],
    ['What does the README say?', 'git_mcp'],
    ['Which issues are open?', 'git_mcp'],
    ['Is there a pull request about it?', 'git_mcp'],
    ['Hello!', 'chat'],
    ['How do I write a letter?', 'chat'],
    ['What is a compiler?', 'chat'],
    ['Suggest a restaurant in Rome', 'chat'],
  ])('sends %j to %s', async (message, agent) => {
    expect(await route(message)).toBe(agent);
  });

  it('considers the open document, and names no agent that is missing', async () => {
    expect(await route('Translate into French')).toBe('chat');
    expect(await route('Translate into French', { documentIsOpen: true })).toBe('artifact');
    expect(await route('Which issues are open?', {}, ['chat', 'artifact'])).toBe('chat');
    expect(await route('write an essay about tides', {}, ['chat', 'git_mcp'])).toBe('chat');
    expect(await route('Hello!', {}, ['artifact', 'git_mcp'])).toBe('artifact');
  });
});

describe('the demo model with the tools of documents', () => {
  const tools = ['createDocument', 'updateDocument', 'requestSuggestions'].map((name) => ({
    type: 'function' as const,
    name,
    inputSchema: { type: 'object' as const },
  }));
  const open = system(
    `You write.\n<document id="${DOCUMENT}" kind="text" title="Tides">\nIt ebbs.\n</document>`,
  );

  it.each([
    ['write an essay about tides', 'text', 'Tides'],
    ['Please write me a poem on the sea, please.', 'text', 'Sea'],
    ['Create a Python function that adds two numbers', 'code', 'Function that adds two numbers'],
    ['Make a table of planets', 'sheet', 'Planets'],
    ['draw a picture of a lighthouse', 'image', 'Lighthouse'],
    ['Write a letter', 'text', 'Letter'],
  ])('creates the document that %j asks for', async (question, kind, title) => {
    expect(await answer([system('You write.'), user(question)], { tools })).toMatchObject({
      tool: 'createDocument',
      input: { kind, title, description: question },
    });
  });

  it.each([
    ['Make it shorter', 'updateDocument', { id: DOCUMENT, description: 'Make it shorter' }],
    ['Replace ebbs with flows', 'updateDocument', { id: DOCUMENT, description: 'Replace ebbs with flows' }],
    ['Suggest improvements', 'requestSuggestions', { id: DOCUMENT }],
  ])('works on the open document: %s', async (question, tool, input) => {
    expect(await answer([open, user(question)], { tools })).toMatchObject({ tool, input });
  });

  it('edits by a replacement if the tool accepts one and the meaning is clear', async () => {
    const inputSchema = { type: 'object' as const, properties: { edits: { type: 'array' as const } } };
    const editing = tools.map((tool) => (tool.name === 'updateDocument' ? { ...tool, inputSchema } : tool));
    const inputOf = async (question: string) =>
      (await answer([open, user(question)], { tools: editing })).input;
    expect(await inputOf('Replace “ebbs” with “flows”.')).toMatchObject({
      edits: [{ oldText: 'ebbs', newText: 'flows' }],
    });
    for (const question of ['Replace rain with sun', 'Replace b with c', 'Make it shorter'])
      expect(await inputOf(question)).toEqual({ id: DOCUMENT, description: question });
  });

  it('works on the document of the conversation if none is open', async () => {
    const output = { type: 'json' as const, value: { id: DOCUMENT, title: 'Tides', kind: 'text' } };
    const call = { type: 'tool-call' as const, toolCallId: 'a', toolName: 'createDocument', input: {} };
    const result = { type: 'tool-result' as const, toolCallId: 'a', toolName: 'createDocument', output };
    const written: LanguageModelV4Prompt = [
      user('write an essay about tides'),
      { role: 'assistant', content: [call] },
      { role: 'tool', content: [result] },
    ];
    const closing = await answer(written, { tools });
    expect(closing.text).toContain('I wrote “Tides”');
    expect(closing.text).toContain('not a language model');
    const next = await answer([...written, user('Make it shorter')], { tools });
    expect(next).toMatchObject({ tool: 'updateDocument', input: { id: DOCUMENT } });
  });

  it('reports a failure instead of trying again', async () => {
    const output = { type: 'error-text' as const, value: 'Images are not available.' };
    const result = { type: 'tool-result' as const, toolCallId: 'a', toolName: 'createDocument', output };
    const { text, tool } = await answer([user('Draw a cat'), { role: 'tool', content: [result] }], { tools });
    expect([tool, text]).toEqual([undefined, expect.stringContaining('Images are not available.')]);
  });

  it('answers in text if no call is needed or no tool fits', async () => {
    expect((await answer([user('Hello')], { tools })).text).toContain('Ask me to write an essay');
    expect((await answer([user('Make it shorter')], { tools })).tool).toBeUndefined();
    const { text } = await answer([user('write an essay about tides')]);
    expect(text).toContain('not a language model');
    expect(text).toContain('“write an essay about tides”');
  });
});

describe('the demo model with the tools of a repository', () => {
  const place = {
    owner: { type: 'string' as const, enum: ['octo-org'] },
    repo: { type: 'string' as const, enum: ['hello'] },
  };
  const tool = (name: string, properties: object = {}) => ({
    type: 'function' as const,
    name,
    inputSchema: { type: 'object' as const, properties: { ...place, ...properties } },
  });
  const tools = [
    tool('create_issue', { title: { type: 'string' } }),
    tool('get_file_contents', { path: { type: 'string' } }),
    tool('issue_read', { method: { type: 'string' }, issue_number: { type: 'number' } }),
    tool('search_issues', { query: { type: 'string' } }),
    tool('list_commits'),
  ];
  const address = { owner: 'octo-org', repo: 'hello' };

  it.each([
    ['What is this repository about?', 'get_file_contents', { ...address, path: 'README.md' }],
    ['Does .env.example matter?', 'get_file_contents', { ...address, path: '.env.example' }],
    ['What is in “src/main.ts”?', 'get_file_contents', { ...address, path: 'src/main.ts' }],
    ['What does issue #12 say?', 'issue_read', { ...address, method: 'get', issue_number: 12 }],
    ['Which issues are open?', 'search_issues', { ...address, query: 'is:issue is:open' }],
    ['Show me the last commits', 'list_commits', address],
    ['Create an issue that says so', 'search_issues', { ...address, query: 'is:issue is:open' }],
  ])('reads what %j is about', async (question, name, input) => {
    expect(await answer([user(question)], { tools })).toEqual({ text: '', tool: name, input });
  });

  it('summarizes what it has read', async () => {
    const input = { ...address, path: 'README.md' };
    const call = { type: 'tool-call' as const, toolCallId: 'a', toolName: 'get_file_contents', input };
    const output = { type: 'text' as const, value: 'Run it with npm start.' };
    const result = { type: 'tool-result' as const, toolCallId: 'a', toolName: 'get_file_contents', output };
    const { text } = await answer(
      [user('How do I run it?'), { role: 'assistant', content: [call] }, { role: 'tool', content: [result] }],
      { tools },
    );
    expect(text).toContain('get_file_contents (README.md) and read 5 words: “Run it with npm start.”');
  });
});

describe('the demo model as a writer', () => {
  const write = async (kind: 'text' | 'code' | 'sheet', request: string) =>
    (await answer([system(writingInstructions(kind)), user(request)])).text;
  const change = async (kind: 'text' | 'code' | 'sheet', content: string, request: string) =>
    (await answer([system(updateInstructions(kind, content)), user(request)])).text;

  it('writes Markdown about itself', async () => {
    const essay = await write('text', 'Tides\n\nwrite an essay about tides');
    expect(essay).toMatch(/^# Tides\n/);
    expect(essay).toContain('“write an essay about tides”');
    expect(essay).toContain('not a language model');
    expect(await write('text', 'Tides\n\nwrite an essay about tides')).toBe(essay);
  });

  it('writes code that runs', async () => {
    const code = await write('code', 'Greeting\n\nsay "hello"\nto `everyone`');
    const lines: unknown[] = [];
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it is what the test is about
    new Function('console', code)({ log: (line: unknown) => lines.push(line) });
    expect(lines).toEqual(['say "hello" to `everyone`']);
    expect(await write('code', 'Sort\n\nin Python')).toContain('def main():');
  });

  it('writes and changes sheets that are CSV', async () => {
    for (const title of ['Planets', 'Planets, "moons"']) {
      const sheet = await write('sheet', `${title}\n\nof the sun, all "eight"`);
      expect(findCsvProblem(sheet)).toBeUndefined();
      expect(sheet).toContain('1,planets,7,');
      const changed = await change('sheet', sheet, 'Add a row, with "Pluto"');
      expect(findCsvProblem(changed)).toBeUndefined();
      expect(changed.trimEnd().split('\n').at(-1)).toBe('"Add a row, with ""Pluto""",,,');
      expect(await change('sheet', sheet, 'Replace planets with stars')).toContain('1,stars,7,');
      expect(findCsvProblem(await change('sheet', sheet, 'Replace planets with "a, b'))).toBeUndefined();
    }
  });

  it('changes a text as requested', async () => {
    const content = 'It ebbs.\n\nIt flows.\n\n<document>\nIt rests.\n</document>';
    expect(await change('text', content, 'Replace “ebbs” with “rises”.')).toBe(
      content.replace('ebbs', 'rises'),
    );
    expect(await change('text', content, 'Make it shorter')).toBe('It ebbs.\n\nIt flows.\n');
    const more = await change('text', content, 'Say more about the moon');
    expect(more.startsWith(`${content}\n\n`)).toBe(true);
    expect(more).toContain('“Say more about the moon”');
    expect(await change('code', 'let a = 1;', 'Count to two')).toMatch(/^let a = 1;\n\/\/ .*Count to two\n$/);
    expect(await change('code', 'def a():\n    pass', 'Count')).toMatch(/\n# .*Count\n$/);
  });

  it('suggests changes of passages that occur once', async () => {
    const essay = await write('text', 'Tides\n\nwrite an essay about tides');
    for (const text of [
      essay,
      'It was very nice. It was very nice. We went out',
      'let a = 1;\nlet b = 2;',
      'Word',
      '',
    ]) {
      const { text: json } = await answer(
        [system(SUGGESTION_INSTRUCTIONS), user(JSON.stringify({ instruction: 'Better', text }))],
        { responseFormat: { type: 'json' } },
      );
      const { suggestions } = JSON.parse(json) as { suggestions: Array<Record<string, string>> };
      for (const { originalText = '', suggestedText, description } of suggestions) {
        expect(text.split(originalText)).toHaveLength(2);
        expect(suggestedText).not.toBe(originalText);
        expect(description).toContain('emo model');
      }
      expect(suggestions.length > 0).toBe(text !== '');
    }
  });
});

describe('the demo model', () => {
  it('streams its answer word by word', async () => {
    const prompt = [user('Hello there')];
    const { stream } = await model.doStream({ prompt });
    let text = '';
    const types: string[] = [];
    for await (const part of stream) {
      types.push(part.type);
      if (part.type === 'text-delta') text += part.delta;
    }
    expect(text).toBe((await answer(prompt)).text);
    expect(types.slice(0, 3)).toEqual(['stream-start', 'text-start', 'text-delta']);
    expect(types.slice(-2)).toEqual(['text-end', 'finish']);
  });

  it('stops in the middle if the reader has left', async () => {
    const controller = new AbortController();
    const { stream } = await model.doStream({
      prompt: [user('Hello there')],
      abortSignal: controller.signal,
    });
    const read = async () => {
      for await (const part of stream) if (part.type === 'text-delta') controller.abort();
    };
    await expect(read()).rejects.toThrow(/abort/i);
  });

  it('gives a chat its title', async () => {
    const { text } = await answer([system('Write a short title for a chat.'), user('What is\na compiler?')]);
    expect(text).toBe('What is a compiler?');
  });
});
