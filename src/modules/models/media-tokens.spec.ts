import fc from 'fast-check';
import { pagesOfPdf, pictureSize, secondsOfSound } from './media-tokens.js';
import { estimateFileTokens, estimatePromptTokens, estimateUnreadFileTokens } from './prompt-tokens.js';
import { estimateMessageTokens } from './message-tokens.js';

const data = (bytes: Buffer) => bytes.toString('base64');

function png(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.writeUInt32BE(0x89504e47, 0);
  bytes.writeUInt32BE(0x0d0a1a0a, 4);
  bytes.write('IHDR', 12, 'latin1');
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

function gif(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write('GIF89a', 0, 'latin1');
  bytes.writeUInt16LE(width, 6);
  bytes.writeUInt16LE(height, 8);
  return bytes;
}

/** With a preview in front, as cameras write it. */
function jpeg(width: number, height: number): Buffer {
  const preview = Buffer.concat([Buffer.from([0xff, 0xe1, 0x40, 0x00]), Buffer.alloc(0x4000 - 2, 0xff)]);
  const frame = Buffer.from([0xff, 0xc2, 0, 17, 8, height >> 8, height & 255, width >> 8, width & 255, 3]);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), preview, frame, Buffer.alloc(20)]);
}

function webp(kind: 'VP8 ' | 'VP8L' | 'VP8X', width: number, height: number): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write(`RIFF0000WEBP${kind}`, 0, 'latin1');
  if (kind === 'VP8 ') {
    bytes.writeUInt16LE(width, 26);
    bytes.writeUInt16LE(height, 28);
  } else if (kind === 'VP8L') bytes.writeUInt32LE(((height - 1) << 14) | (width - 1), 21);
  else {
    bytes.writeUIntLE(width - 1, 24, 3);
    bytes.writeUIntLE(height - 1, 27, 3);
  }
  return bytes;
}

describe('the size of a picture', () => {
  it.each([
    ['PNG', png(1920, 1080)],
    ['GIF', gif(1920, 1080)],
    ['JPEG', jpeg(1920, 1080)],
    ['WebP', webp('VP8 ', 1920, 1080)],
    ['lossless WebP', webp('VP8L', 1920, 1080)],
    ['extended WebP', webp('VP8X', 1920, 1080)],
  ])('is read from the header of a %s', (_, bytes) => {
    expect(pictureSize(data(bytes))).toEqual({ width: 1920, height: 1080 });
    expect(pictureSize(new Uint8Array(bytes))).toEqual({ width: 1920, height: 1080 });
  });

  it('has a usual value for other data, and has bounds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const { width, height } = pictureSize(bytes);
        expect(Math.min(width, height)).toBeGreaterThanOrEqual(1);
        expect(Math.max(width, height)).toBeLessThanOrEqual(65_535);
      }),
    );
    expect(pictureSize('')).toEqual({ width: 1_024, height: 1_024 });
    expect(pictureSize(png(0xffffffff, 0xffffffff))).toEqual({ width: 65_535, height: 65_535 });
  });
});

/** By the rules that the vendors publish, with their own examples if they have some. */
describe('the tokens of a picture', () => {
  it.each<
    [
      provider: 'google' | 'openai' | 'anthropic',
      modelId: string,
      width: number,
      height: number,
      tokens: number,
    ]
  >([
    ['openai', 'gpt-4.1', 1024, 1024, 765],
    ['openai', 'gpt-4.1', 2048, 4096, 1_105],
    ['openai', 'gpt-4o-mini', 1024, 1024, 2_833 + 4 * 5_667],
    ['openai', 'gpt-5', 1024, 1024, 630],
    ['anthropic', 'claude-sonnet-4-5', 200, 200, 54],
    ['anthropic', 'claude-sonnet-4-5', 1000, 1000, 1_334],
    ['anthropic', 'claude-sonnet-4-5', 8000, 8000, 1_600],
    ['anthropic', 'claude-opus-5-5', 8000, 8000, 4_784],
    ['google', 'gemini-2.5-flash', 384, 384, 258],
    ['google', 'gemini-2.5-flash', 960, 540, 6 * 258],
    ['google', 'gemini-3.8-flash', 4000, 3000, 1_120],
  ])('of %s, %s: %d × %d', (provider, modelId, width, height, tokens) => {
    const file = { type: 'data', data: data(png(width, height)) } as const;
    expect(estimateFileTokens('image/png', file, { provider, modelId })).toBe(tokens);
  });

  it('does not depend on its number of bytes, and has bounds', () => {
    const large = Buffer.concat([png(1024, 1024), Buffer.alloc(4_500_000)]);
    const file = { type: 'data', data: data(large) } as const;
    expect(estimateFileTokens('image/png', file, { provider: 'openai', modelId: 'gpt-4.1' })).toBe(765);
    for (const provider of ['google', 'openai', 'anthropic'] as const) {
      for (const [width, height] of [[65_535, 1] as const, [1, 65_535] as const, [65_535, 65_535] as const]) {
        const odd = { type: 'data', data: data(png(width, height)) } as const;
        const tokens = estimateFileTokens('image/png', odd, { provider, modelId: 'gemini-2.5-pro' });
        expect(tokens).toBeGreaterThan(0);
        expect(tokens).toBeLessThan(20_000);
      }
    }
  });
});

describe('the tokens of other files', () => {
  const anthropic = { provider: 'anthropic', modelId: 'claude-sonnet-5-5' } as const;

  it('are counted by the pages of a PDF', () => {
    const pdf =
      '%PDF-1.7\n1 0 obj <</Type /Pages /Count 3>>\n2 0 obj <</Type /Page>>\n3 0 obj <</Type/Page>>';
    expect(pagesOfPdf(data(Buffer.from(pdf)))).toBe(3);
    expect(pagesOfPdf(data(Buffer.alloc(400_000)))).toBe(10);
    expect(pagesOfPdf(data(Buffer.from('/Count 999999')))).toBe(1_000);
    const file = { type: 'data', data: data(Buffer.from(pdf)) } as const;
    expect(estimateFileTokens('application/pdf', file, anthropic)).toBe(9_000);
  });

  it('are counted by the seconds of sound', () => {
    const wav = Buffer.alloc(32_000 * 5);
    wav.write('RIFF0000WAVEfmt ', 0, 'latin1');
    wav.writeUInt32LE(32_000, 28);
    expect(secondsOfSound(data(wav))).toBe(5);
    expect(secondsOfSound(data(Buffer.alloc(160_000)))).toBe(10);
  });

  it('are counted by the size of a video', () => {
    const file = { type: 'data', data: data(Buffer.alloc(2_500_000)) } as const;
    const google = { provider: 'google', modelId: 'gemini-2.5-flash' } as const;
    expect(estimateFileTokens('video/mp4', file, google)).toBe(2_900);
  });

  it('are close to that before the file is read', () => {
    const google = { provider: 'google', modelId: 'gemini-2.5-flash' } as const;
    const tokens = (type: string, bytes?: number, beginning?: string) =>
      estimateUnreadFileTokens(type, { bytes, beginning }, google);
    expect(tokens('application/pdf', 400_000)).toBe(2_580);
    expect(tokens('audio/mpeg', 160_000)).toBe(320);
    expect(tokens('video/mp4', 2_500_000)).toBe(2_900);
    expect(tokens('image/png', 5_000_000, data(png(300, 300)).slice(0, 100))).toBe(258);
    expect(tokens('image/png', 5_000_000)).toBe(1_032);
    expect(tokens('text/plain', 4_000)).toBe(1_000);
    // Neither the size nor the kind is known.
    expect(tokens('application/pdf')).toBe(1_500);
    expect(tokens('application/zip', 9_000_000)).toBe(1_500);
  });

  it('are those of the tokenizer of the model, if the file is text', () => {
    const tokens = (modelId: string) =>
      estimateUnreadFileTokens('text/plain', { bytes: 4_000 }, { provider: 'anthropic', modelId });
    expect([tokens('claude-sonnet-4-5'), tokens('claude-sonnet-5-5')]).toEqual([1_000, 1_300]);
  });

  it('are those of its text, in any script', () => {
    const text = 'Hello, how are you today? '.repeat(20_000);
    const file = { type: 'data', data: data(Buffer.from(text)) } as const;
    const tokens = estimateFileTokens('text/plain', file, anthropic);
    expect(tokens).toBeGreaterThan(120_000);
    expect(tokens).toBeLessThan(180_000);
  });
});

describe('the tokens of a prompt', () => {
  const model = { provider: 'openai', modelId: 'gpt-4.1' } as const;
  const prompt = [
    { role: 'system' as const, content: 'You are a helpful assistant.' },
    { role: 'user' as const, content: [{ type: 'text' as const, text: 'What is in this picture?' }] },
  ];

  it('include pictures, tools and their results', () => {
    const plain = estimatePromptTokens({ prompt }, model);
    const picture = { type: 'data', data: data(png(1024, 1024)) } as const;
    const withPicture = estimatePromptTokens(
      {
        prompt: [
          ...prompt,
          { role: 'user', content: [{ type: 'file', mediaType: 'image/png', data: picture }] },
        ],
      },
      model,
    );
    expect(withPicture - plain).toBe(765 + 4);
    const tools = [
      {
        type: 'function' as const,
        name: 'createDocument',
        description: 'Writes a document. '.repeat(50),
        inputSchema: { type: 'object' as const, properties: {} },
      },
    ];
    expect(estimatePromptTokens({ prompt, tools }, model) - plain).toBeGreaterThan(150);
    const output = { type: 'text' as const, value: 'word '.repeat(500) };
    const result = { type: 'tool-result' as const, toolCallId: '1', toolName: 'read', output };
    const withResult = estimatePromptTokens(
      { prompt: [...prompt, { role: 'tool', content: [result] }] },
      model,
    );
    expect(withResult - plain).toBeGreaterThan(400);
    const shown = {
      type: 'content' as const,
      value: [{ type: 'file' as const, mediaType: 'image/png', data: picture }],
    };
    const withShown = estimatePromptTokens(
      { prompt: [...prompt, { role: 'tool', content: [{ ...result, output: shown }] }] },
      model,
    );
    expect(withShown - plain).toBe(765 + 8);
  });

  it('are more for a model with a finer tokenizer', () => {
    const tokens = (modelId: string) => {
      const text = 'word '.repeat(1_000);
      const asked = { provider: 'anthropic' as const, modelId };
      return estimatePromptTokens({ prompt: [{ role: 'system', content: text }] }, asked) - 4;
    };
    expect(tokens('claude-sonnet-5-5')).toBe(Math.ceil(tokens('claude-haiku-4-5') * 1.3));
  });

  it('are the same for a stored message', () => {
    const url = `data:image/png;base64,${data(png(1024, 1024))}`;
    const parts = [
      { type: 'text' as const, text: 'What is in this picture?' },
      { type: 'file' as const, mediaType: 'image/png', url },
      { type: 'data-agent' as const, data: { agentType: 'chat' } },
    ];
    const tokens = estimateMessageTokens([{ parts }], model);
    expect(tokens).toBeGreaterThan(765);
    expect(tokens).toBeLessThan(785);
  });
});
