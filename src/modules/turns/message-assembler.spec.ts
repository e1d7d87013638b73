import { readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai';
import fc from 'fast-check';
import { MessageAssembler } from './message-assembler.js';

/** The message that the AI SDK's client builds from the same chunks. */
async function reference(chunks: UIMessageChunk[]): Promise<UIMessage['parts']> {
  let parts: UIMessage['parts'] = [];
  const stream = new ReadableStream<UIMessageChunk>({
    start: (controller) => {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  for await (const message of readUIMessageStream({ stream })) parts = message.parts;
  return parts;
}

/** Both as JSON: undefined fields are missing, and the client chooses the ids of parts. */
function comparable(parts: UIMessage['parts']): unknown {
  return JSON.parse(JSON.stringify(parts, (key, value: unknown) => (key === 'id' ? undefined : value)));
}

function assemble(chunks: UIMessageChunk[]): MessageAssembler {
  const assembler = new MessageAssembler();
  for (const chunk of chunks) assembler.add(chunk);
  return assembler;
}

const word = fc.string({ maxLength: 8 });
const textBlock = fc
  .tuple(fc.uuid(), fc.array(word, { maxLength: 4 }))
  .map(([id, words]): UIMessageChunk[] => [
    { type: 'text-start', id },
    ...words.map((delta): UIMessageChunk => ({ type: 'text-delta', id, delta })),
    { type: 'text-end', id, providerMetadata: { openai: { itemId: 'i' } } },
  ]);
const reasoningBlock = fc
  .tuple(fc.uuid(), fc.array(word, { maxLength: 3 }))
  .map(([id, words]): UIMessageChunk[] => [
    { type: 'reasoning-start', id },
    ...words.map((delta): UIMessageChunk => ({ type: 'reasoning-delta', id, delta })),
    { type: 'reasoning-end', id, providerMetadata: { anthropic: { signature: 's' } } },
  ]);
const toolBlock = fc
  .tuple(fc.uuid(), fc.boolean(), fc.jsonValue(), fc.constantFrom('ok', 'error', 'open'))
  .map(([toolCallId, dynamic, input, end]): UIMessageChunk[] => {
    const call = { toolCallId, toolName: 'weather', ...(dynamic ? { dynamic } : {}) };
    const base: UIMessageChunk[] = [
      { type: 'tool-input-start', ...call },
      { type: 'tool-input-available', ...call, input, providerMetadata: { google: { signature: 'x' } } },
    ];
    const shared = dynamic ? { toolCallId, dynamic } : { toolCallId };
    if (end === 'ok') base.push({ type: 'tool-output-available', ...shared, output: { answer: 42 } });
    if (end === 'error') base.push({ type: 'tool-output-error', ...shared, errorText: 'no' });
    return base;
  });
const single = fc.constantFrom<UIMessageChunk>(
  { type: 'source-url', sourceId: 's', url: 'https://example.com', title: 'Example' },
  { type: 'source-document', sourceId: 'd', mediaType: 'application/pdf', title: 'Paper', filename: 'p.pdf' },
  { type: 'file', url: 'data:image/png;base64,AA==', mediaType: 'image/png' },
  { type: 'data-agent', data: { agentType: 'chat' } },
  { type: 'data-chat-title', data: { title: 't' }, transient: true },
);
const step = fc
  .array(
    fc.oneof(
      textBlock,
      reasoningBlock,
      toolBlock,
      single.map((chunk) => [chunk]),
    ),
    { maxLength: 4 },
  )
  .map((blocks): UIMessageChunk[] => [{ type: 'start-step' }, ...blocks.flat(), { type: 'finish-step' }]);
const answer = fc.array(step, { maxLength: 3 }).map((steps): UIMessageChunk[] => [
  { type: 'start', messageId: 'm' },
  ...steps.flat(),
  // The client shows a step only if something follows it.
  { type: 'data-last', data: 1 },
  { type: 'finish' },
]);

describe('MessageAssembler', () => {
  it('builds the same message as the AI SDK client', async () => {
    await fc.assert(
      fc.asyncProperty(answer, async (chunks) => {
        expect(comparable(assemble(chunks).parts)).toEqual(comparable(await reference(chunks)));
      }),
      { numRuns: 150 },
    );
  });

  it('knows whether there is an answer', () => {
    expect(assemble([{ type: 'start-step' }, { type: 'data-agent', data: {} }]).hasContent()).toBe(false);
    expect(
      assemble([
        { type: 'text-start', id: '1' },
        { type: 'text-end', id: '1' },
      ]).hasContent(),
    ).toBe(false);
    expect(
      assemble([
        { type: 'text-start', id: '1' },
        { type: 'text-delta', id: '1', delta: 'a' },
      ]).hasContent(),
    ).toBe(true);
  });

  it('discards a step that is repeated', () => {
    const assembler = assemble([
      { type: 'text-start', id: '0' },
      { type: 'text-delta', id: '0', delta: 'kept' },
      { type: 'start-step' },
      { type: 'text-start', id: '1' },
      { type: 'text-delta', id: '1', delta: 'gone' },
      { type: 'reset-step' },
    ]);
    expect(JSON.stringify(assembler.parts)).not.toContain('gone');
    expect(JSON.stringify(assembler.parts)).toContain('kept');
  });
});
