import type { MessageDto } from '../messages/dto/message.dto.js';
import { messageToMarkdown } from './chat-markdown.js';

function message(parts: unknown[], overrides: Partial<MessageDto> = {}): MessageDto {
  return {
    id: '0f6c1c9e-96b4-4c0a-b7a5-8a9d3c2e4f51',
    chatId: '5c1a4f7e-2d0b-4f7f-9a3e-0e7a6a3f1c22',
    role: 'assistant',
    parts,
    attachments: [],
    createdAt: '2026-11-23T08:15:31.456Z',
    modelUsed: 'gemini-2.5-flash',
    inputTokens: 1,
    outputTokens: 2,
    cost: 0,
    status: 'complete',
    finishReason: 'stop',
    ...overrides,
  };
}

describe('messageToMarkdown', () => {
  it('names the author, the time, the model and the outcome', () => {
    const markdown = messageToMarkdown(message([{ type: 'text', text: 'Hello' }], { status: 'stopped' }));
    expect(markdown).toBe(
      '\n---\n\n## Assistant\n\n_2026-11-23T08:15:31.456Z · gemini-2.5-flash · stopped_\n\nHello\n',
    );
  });

  it('keeps code unchanged', () => {
    const code = '```ts\nconst a = `x`;\n\n  indented();\n```';
    expect(messageToMarkdown(message([{ type: 'text', text: code }]))).toContain(`\n\n${code}\n`);
  });

  it.each([
    ['```js\nrun(', '```js\nrun(\n```'],
    ['~~~~\n```\nstill', '~~~~\n```\nstill\n~~~~'],
    ['````\n```\n````\nafter', '````\n```\n````\nafter'],
    ['```not a fence``` because of this', '```not a fence``` because of this'],
  ])('closes a code block that was cut off: %j', (text, expected) => {
    expect(messageToMarkdown(message([{ type: 'text', text }]))).toMatch(
      new RegExp(`_\n\n${expected.replace(/[()]/g, '\\$&')}\n$`),
    );
  });

  it('folds reasoning, which cannot unfold itself', () => {
    const markdown = messageToMarkdown(message([{ type: 'reasoning', text: 'First </details> then' }]));
    expect(markdown).toContain(
      '<details>\n<summary>Reasoning</summary>\n\nFirst &lt;/details> then\n\n</details>',
    );
  });

  it('names files, tools and sources, and omits their content', () => {
    const markdown = messageToMarkdown(
      message([
        {
          type: 'file',
          filename: 'a_b.png',
          mediaType: 'image/png',
          url: 'data:image/png;base64,AAAASECRET',
        },
        {
          type: 'tool-createDocument',
          toolCallId: '1',
          state: 'output-available',
          input: {},
          output: 'hidden',
        },
        { type: 'dynamic-tool', toolName: 'get_me', toolCallId: '2', state: 'output-error', errorText: 'x' },
        { type: 'source-url', sourceId: 's', url: 'https://example.com/a b', title: 'A [page]' },
        { type: 'source-url', sourceId: 's', url: 'javascript:alert(1)', title: 'Bad' },
        { type: 'source-document', sourceId: 'd', title: 'Book', mediaType: 'application/pdf' },
      ]),
    );
    expect(markdown).toContain('**File:** a\\_b.png (image/png)');
    expect(markdown).toContain('**Tool:** `createDocument`\n');
    expect(markdown).toContain('**Tool:** `get_me` (output error)');
    expect(markdown).toContain('**Source:** [A \\[page\\]](<https://example.com/a%20b>)');
    expect(markdown).toContain('**Source:** Bad\n');
    expect(markdown).toContain('**Source:** Book');
    expect(markdown).not.toMatch(/SECRET|hidden|javascript/);
  });

  it('skips parts without a readable form', () => {
    const parts = [
      null,
      7,
      'text',
      {},
      { type: 'step-start' },
      { type: 'data-agent', data: {} },
      { type: 'text', text: 5 },
    ];
    expect(messageToMarkdown(message(parts))).toMatch(/gemini-2\.5-flash_\n$/);
  });
});
