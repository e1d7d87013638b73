import { pngOf } from '../history/files.js';
import { ENCRYPTED_CONTENT } from './wire/signatures.js';
import { type ProviderDouble, startProviderDouble } from './provider-double.js';

const call = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } });
const toolUse = { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: {} }] };
const toolResult = (id: string) => ({
  role: 'user',
  content: [{ type: 'tool_result', tool_use_id: id, content: 'x' }],
});
const hello = { role: 'user', content: 'Hello' };
const geminiHello = { role: 'user', parts: [{ text: 'Hello' }] };
const geminiCall = { role: 'model', parts: [{ functionCall: { name: 'f', args: {} } }] };
const geminiResult = { role: 'user', parts: [{ functionResponse: { name: 'f', response: {} } }] };

const ANTHROPIC = 'anthropic/messages';
const GEMINI = 'google/models/gemini-2.5-flash:generateContent';
const RESPONSES = 'openai/responses';
const CHAT = 'openai/chat/completions';

const claude = (...messages: unknown[]) => ({ model: 'claude-sonnet-4-5', max_tokens: 9, messages });
const userBlock = (block: unknown) => claude({ role: 'user', content: [block] });
const answerBlock = (block: unknown) => claude(hello, { role: 'assistant', content: [block] }, hello);
const image = (media_type: string, data: string) => ({
  type: 'image',
  source: { type: 'base64', media_type, data },
});
const gemini = (part: unknown, role = 'user') => ({
  contents: [geminiHello, { role, parts: [part] }, ...(role === 'user' ? [] : [geminiHello])],
});
const responses = (...input: unknown[]) => ({ model: 'gpt-4o-mini', input });
const inputImage = (image_url: string) =>
  responses({ role: 'user', content: [{ type: 'input_image', image_url }] });
const PNG = pngOf(1).toString('base64');
const reasoning = (more: object) => ({ type: 'reasoning', id: 'rs_1', summary: [], ...more });

/** Requests that the real services refuse, with a part of their messages. */
const REFUSED: Array<[what: string, path: string, body: unknown, said: RegExp, status?: number]> = [
  [
    'no contents',
    'google/models/gemini-2.5-flash:generateContent',
    { contents: [] },
    /contents is not specified/,
  ],
  [
    'a response without a call',
    'google/models/gemini-2.5-flash:generateContent',
    { contents: [geminiHello, geminiResult] },
    /function response turn comes immediately after/,
  ],
  [
    'a call that opens the conversation',
    'google/models/gemini-2.5-flash:generateContent',
    { contents: [geminiCall, geminiResult] },
    /function call turn comes immediately after/,
  ],
  [
    'fewer responses than calls',
    'google/models/gemini-2.5-flash:generateContent',
    {
      contents: [
        geminiHello,
        { ...geminiCall, parts: [...geminiCall.parts, ...geminiCall.parts] },
        geminiResult,
      ],
    },
    /number of function response parts/,
  ],
  [
    'an unsigned call',
    'google/models/gemini-3-pro-preview:generateContent',
    { contents: [geminiHello, geminiCall, geminiResult] },
    /missing a thought_signature/,
  ],
  ['no model', 'openai/chat/completions', { messages: [hello] }, /model parameter/],
  ['no messages', 'openai/chat/completions', { model: 'm', messages: [] }, /empty array/],
  [
    'a call without a result',
    'openai/chat/completions',
    { model: 'm', messages: [hello, { role: 'assistant', tool_calls: [call('a')] }, hello] },
    /did not have response messages: a/,
  ],
  [
    'a result without a call',
    'openai/chat/completions',
    { model: 'm', messages: [hello, { role: 'tool', tool_call_id: 'a', content: '' }] },
    /must be a response to a preceeding message/,
  ],
  ['no input', 'openai/responses', { model: 'm' }, /parameter: 'input'/],
  [
    'a reference to what is not stored',
    'openai/responses',
    { model: 'm', input: [hello, { type: 'item_reference', id: 'rs_1' }] },
    /not persisted/,
    404,
  ],
  [
    'a call without an output',
    'openai/responses',
    { model: 'm', input: [hello, { type: 'function_call', call_id: 'a' }] },
    /No tool output found for function call a/,
  ],
  [
    'an output without a call',
    'openai/responses',
    { model: 'm', input: [hello, { type: 'function_call_output', call_id: 'a' }] },
    /No tool call found/,
  ],
  [
    'no limit of tokens',
    'anthropic/messages',
    { model: 'm', messages: [hello] },
    /max_tokens: Field required/,
  ],
  [
    'an empty text',
    'anthropic/messages',
    { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: [{ type: 'text', text: '' }] }] },
    /must be non-empty/,
  ],
  [
    'a message without content',
    'anthropic/messages',
    { model: 'm', max_tokens: 9, messages: [hello, { role: 'assistant', content: [] }, hello] },
    /messages.1: all messages must have non-empty content/,
  ],
  [
    'a call without a result',
    'anthropic/messages',
    { model: 'm', max_tokens: 9, messages: [hello, toolUse, hello] },
    /`tool_use` ids were found without `tool_result` blocks immediately after: a/,
  ],
  [
    'a result without a call',
    'anthropic/messages',
    { model: 'm', max_tokens: 9, messages: [hello, toolUse, toolResult('b')] },
    /without `tool_result`/,
  ],
  [
    'more thoughts than tokens',
    'anthropic/messages',
    { model: 'm', max_tokens: 1024, thinking: { type: 'enabled', budget_tokens: 1024 }, messages: [hello] },
    /must be greater than `thinking.budget_tokens`/,
  ],
];

/** The same about what is in the parts of a conversation. */
const REFUSED_PARTS: typeof REFUSED = [
  ['a blank text', ANTHROPIC, userBlock({ type: 'text', text: ' \n' }), /must contain non-whitespace text/],
  [
    'an id with a dot',
    ANTHROPIC,
    answerBlock({ ...toolUse.content[0], id: 'a.b' }),
    /tool_use ids|tool_use` ids/,
  ],
  [
    'thoughts that it has not signed',
    ANTHROPIC,
    answerBlock({ type: 'thinking', thinking: 'Hm.', signature: 'x' }),
    /Invalid `signature` in `thinking` block/,
  ],
  [
    'an image of another type',
    ANTHROPIC,
    userBlock(image('image/bmp', PNG)),
    /media_type: Input should be 'image\/jpeg'/,
  ],
  [
    'an image said to be another',
    ANTHROPIC,
    userBlock(image('image/jpeg', PNG)),
    /appears to be a image\/png image/,
  ],
  ['no image', ANTHROPIC, userBlock(image('image/png', 'bm8gaW1hZ2U=')), /Could not process image/],
  ['no base64', ANTHROPIC, userBlock(image('image/png', '!!!')), /invalid base64 data/],
  ['a wide image', ANTHROPIC, userBlock(image('image/png', pngOf(8_001).toString('base64'))), /8000 pixels/],
  [
    'words put into its mouth',
    ANTHROPIC,
    { ...claude(hello, { role: 'assistant', content: 'So' }), model: 'claude-opus-4-6' },
    /does not support assistant message prefill/,
  ],
  [
    'an answer that stands first',
    ANTHROPIC,
    claude({ role: 'assistant', content: 'So' }, hello),
    /first message must use the "user" role/,
  ],
  ['half a surrogate pair', ANTHROPIC, userBlock({ type: 'text', text: '\ud83d' }), /not valid JSON/],
  [
    'a request of 33 MB',
    ANTHROPIC,
    userBlock({ type: 'text', text: 'x'.repeat(33 * 1024 ** 2) }),
    /maximum size/,
    413,
  ],
  [
    'arguments that are a text',
    GEMINI,
    {
      contents: [
        geminiHello,
        { role: 'model', parts: [{ functionCall: { name: 'f', args: '{"a' } }] },
        geminiResult,
      ],
    },
    /function_call\.args' \(type\.googleapis\.com\/google\.protobuf\.Struct\)/,
  ],
  [
    'a name with a blank',
    GEMINI,
    {
      contents: [
        geminiHello,
        { role: 'model', parts: [{ functionCall: { name: 'a b', args: {} } }] },
        geminiResult,
      ],
    },
    /Invalid function name/,
  ],
  ['an empty text', GEMINI, gemini({ text: '' }), /required oneof field 'data'/],
  [
    'a zip',
    GEMINI,
    gemini({ inlineData: { mimeType: 'application/zip', data: 'AAAA' } }),
    /Unsupported MIME type: application\/zip/,
  ],
  [
    'no base64',
    GEMINI,
    gemini({ inlineData: { mimeType: 'image/png', data: '!!!' } }),
    /Base64 decoding failed for "!!!"/,
  ],
  [
    'no image',
    GEMINI,
    gemini({ inlineData: { mimeType: 'image/png', data: 'AAAA' } }),
    /Unable to process input image/,
  ],
  [
    'a signature that is none',
    GEMINI,
    gemini({ text: 'So', thoughtSignature: '!' }, 'model'),
    /thought_signature' \(TYPE_BYTES\)/,
  ],
  ['no image', RESPONSES, inputImage('data:image/png;base64,AAAA'), /does not represent a valid image/],
  [
    'an image of another type',
    RESPONSES,
    inputImage(`data:image/bmp;base64,${PNG}`),
    /input\[0\]\.content\[0\]\.image_url'.*unsupported MIME type 'image\/bmp'/,
  ],
  [
    'thoughts without an answer',
    RESPONSES,
    responses(hello, reasoning({ encrypted_content: ENCRYPTED_CONTENT })),
    /without its required following item/,
  ],
  [
    'thoughts that it has not kept',
    RESPONSES,
    responses(hello, reasoning({}), { role: 'assistant', content: 'So' }),
    /not persisted/,
    404,
  ],
  [
    'thoughts of another organization',
    RESPONSES,
    responses(hello, reasoning({ encrypted_content: 'x' }), { role: 'assistant', content: 'So' }),
    /could not be verified/,
  ],
  [
    'a long id',
    RESPONSES,
    responses(
      hello,
      { type: 'function_call', call_id: 'y'.repeat(65), name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'y'.repeat(65), output: '' },
    ),
    /maximum length 64/,
  ],
  [
    'a long id',
    CHAT,
    {
      model: 'm',
      messages: [
        hello,
        { role: 'assistant', tool_calls: [call('y'.repeat(41))] },
        { role: 'tool', tool_call_id: 'y'.repeat(41), content: '' },
      ],
    },
    /maximum length 40/,
  ],
  [
    'half a surrogate pair',
    CHAT,
    { model: 'm', messages: [{ role: 'user', content: '\udc00' }] },
    /could not parse the JSON body/,
  ],
];

describe('rules of the provider double', () => {
  let double: ProviderDouble;

  beforeAll(async () => {
    double = await startProviderDouble();
  });

  afterEach(() => double.reset());
  afterAll(() => double.close());

  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${double.url}/${path}`, {
      method: 'POST',
      headers: {
        'x-goog-api-key': 'good-key',
        authorization: 'Bearer good-key',
        'x-api-key': 'good-key',
        'anthropic-version': '2023-06-01',
        ...headers,
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    return {
      status: response.status,
      text,
      message: response.ok ? undefined : String(JSON.parse(text).error.message),
    };
  };

  it.each([...REFUSED, ...REFUSED_PARTS])('refuses %s: %s', async (_what, path, body, said, status = 400) => {
    double.enqueue({ text: ['for the next'] });
    expect(await post(path, body)).toMatchObject({ status, message: expect.stringMatching(said) });
    expect(double.requests).toMatchObject([{ status }]);
  });

  it('requires the reasoning that led to a call', async () => {
    const ask = (messages: unknown[]) =>
      post('anthropic/messages', {
        model: 'm',
        max_tokens: 2048,
        thinking: { type: 'enabled', budget_tokens: 1024 },
        messages,
      });
    double.enqueue({ reasoning: ['Hm.'], toolCalls: [{ id: 'a', name: 'f', input: {} }] });
    const { text } = await ask([hello]);
    const thoughts = (JSON.parse(text).content as Array<{ type: string }>).filter(
      ({ type }) => type === 'thinking',
    );
    expect(await ask([hello, toolUse, toolResult('a')])).toMatchObject({
      status: 400,
      message: expect.stringContaining('must start with a thinking block'),
    });
    const whole = { ...toolUse, content: [...thoughts, ...toolUse.content] };
    expect((await ask([hello, whole, toolResult('a')])).status).toBe(200);
  });

  it('reports the usage of a chat completion only on request', async () => {
    const body = { model: 'm', stream: true, messages: [hello] };
    const silent = await post('openai/chat/completions', body);
    expect(silent.text).not.toContain('usage');
    const telling = await post('openai/chat/completions', {
      ...body,
      stream_options: { include_usage: true },
    });
    expect(telling.text).toMatch(/"choices":\[\],"usage":\{"prompt_tokens":\d+.*\n\ndata: \[DONE\]\n\n$/);
    await double.until(() => double.requests.every(({ state }) => state === 'ended'));
    expect(double.reported()).toHaveLength(1);
  });

  it('numbers the events of a response', async () => {
    double.enqueue({ text: ['a', 'b'], fault: { type: 'error-frame', chunks: 1 } });
    const { text } = await post('openai/responses', { model: 'm', stream: true, input: 'Hello' });
    const numbers = [...text.matchAll(/"sequence_number":(\d+)/g)].map(([, number]) => Number(number));
    expect(numbers).toEqual([...numbers.keys()]);
    expect(text).toContain('event: response.failed');
  });

  it('searches for clients that allow it', async () => {
    const sources = [{ url: 'https://example.com/', title: 'Example' }];
    double.enqueue({ text: ['found'], sources }, { times: 2 });
    const openai = await post('openai/responses', {
      model: 'm',
      input: 'Hello',
      tools: [{ type: 'web_search' }],
      include: ['web_search_call.action.sources'],
    });
    expect(JSON.parse(openai.text).output).toMatchObject([
      { type: 'web_search_call', action: { sources: [{ type: 'url', url: 'https://example.com/' }] } },
      { type: 'message' },
    ]);
    const anthropic = await post('anthropic/messages', {
      model: 'm',
      max_tokens: 9,
      messages: [hello],
      tools: [{ type: 'web_search_20250305', name: 'web_search' }],
    });
    expect(JSON.parse(anthropic.text).content).toMatchObject([
      { type: 'server_tool_use', name: 'web_search' },
      { type: 'web_search_tool_result', content: [{ url: 'https://example.com/' }] },
      { type: 'text', text: 'found', citations: [{ url: 'https://example.com/' }] },
    ]);
  });

  it('knows no other routes', async () => {
    expect((await fetch(`${double.url}/openai/embeddings`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${double.url}/openai/responses`)).status).toBe(404);
  });
});
