import { objectionsTo, refuseFiles } from '../../src/modules/agents/file-input.js';
import { BROKEN_PNG, FILES, file, PNG, pngOf } from './files.js';
import { ENCRYPTED_CONTENT, THINKING_SIGNATURE } from '../doubles/wire/signatures.js';
import { ASKED_MODELS, AskedVendor, type StoredMessage } from './asked-vendor.js';

const say = (text: string, more: object = {}) => ({ type: 'text', text, ...more });
const step = { type: 'step-start' };
const asked = (id: string, ...parts: unknown[]): StoredMessage => ({ id, role: 'user', parts });
const answered = (...parts: unknown[]): StoredMessage => ({
  id: 'answer',
  role: 'assistant',
  parts: [step, ...parts],
});
const question = asked('question', say('And now?'));
const call = (more: object) => ({
  type: 'tool-weather',
  toolCallId: 'call_1',
  state: 'output-available',
  input: { city: 'Rome' },
  output: 'clear as glass',
  ...more,
});

const SIGNED = [
  { google: { thoughtSignature: 'c2lnbmVk' } },
  { anthropic: { signature: THINKING_SIGNATURE } },
  { openai: { itemId: 'rs_1', reasoningEncryptedContent: ENCRYPTED_CONTENT } },
];

interface Rule {
  what: string;
  history: StoredMessage[];
  says?: string[];
  leavesOut?: string[];
}

const RULES: Rule[] = [
  { what: 'a blank text', history: [asked('q', say('Hi.')), answered(say('\n\n'))], leavesOut: ['\\n\\n'] },
  {
    what: 'a blank text among others',
    history: [asked('q', say('Hi.')), answered(say('One.'), say(' \n'), say('Two.'))],
    says: ['One.', 'Two.'],
  },
  {
    what: 'an answer without a word',
    history: [asked('q', say('Hi.')), { id: 'a', role: 'assistant', parts: [] }],
    says: ['Hi.'],
  },
  {
    what: 'a blank question',
    history: [asked('q', say(' ')), answered(say('What?'))],
    says: ['[an empty message]'],
  },
  {
    what: 'an answer that stands first',
    history: [asked('q'), answered(say('Welcome.'))],
    says: ['Welcome.'],
  },
  {
    what: 'a call without a result',
    history: [asked('q', say('Hi.')), answered(say('Let me see.'), call({ state: 'input-available' }))],
    says: ['Let me see.'],
    leavesOut: ['Rome'],
  },
  {
    what: 'a call that waited for approval',
    history: [asked('q', say('Hi.')), answered(call({ state: 'approval-requested', approval: { id: 'a' } }))],
    leavesOut: ['Rome'],
  },
  {
    what: 'a call that was cut off',
    history: [
      asked('q', say('Hi.')),
      answered(
        call({
          state: 'output-error',
          input: undefined,
          rawInput: '{"title": "Plan", "kind": "te',
          errorText: 'It was cut.',
        }),
        step,
        say('Sorry.'),
      ),
    ],
    says: ['invalidInput', 'kind', 'It was cut.'],
  },
  {
    what: 'an input that is a list',
    history: [asked('q', say('Hi.')), answered(call({ input: ['Rome'] }), step, say('So.'))],
    says: ['invalidInput', 'Rome'],
  },
  {
    what: 'an input that is null',
    history: [asked('q', say('Hi.')), answered(call({ input: null }), step, say('So.'))],
    says: ['clear as glass'],
  },
  {
    what: 'names and ids of another vendor',
    history: [
      asked('q', say('Hi.')),
      answered(
        call({ type: 'dynamic-tool', toolName: '9 lives! '.repeat(20), toolCallId: 'functions.weather:0' }),
        step,
        say('So.'),
      ),
    ],
    says: ['clear as glass', '_9_lives__'],
    leavesOut: ['functions.weather:0'],
  },
  {
    what: 'an id that comes twice',
    history: [
      asked('q', say('Hi.')),
      answered(call({ output: 'first' }), step, say('One.')),
      asked('q2', say('Again.')),
      answered(call({ output: 'second' }), step, say('Two.')),
    ],
    says: ['first', 'second'],
  },
  {
    what: 'half a surrogate pair, and NUL',
    history: [
      asked('q', say('a\ud83d b\u0000 c')),
      answered(call({ output: { '\udc00': '\ud83d\u0000' } }), step, say('So \ud83d.')),
    ],
    leavesOut: ['\\u0000', '\\ud83d'],
  },
  {
    what: 'JSON that is nested too deeply',
    history: [
      asked('q', say('Hi.')),
      answered(call({ output: JSON.parse('['.repeat(120) + ']'.repeat(120)) }), step, say('So.')),
    ],
  },
  {
    what: 'an output without a word',
    history: [asked('q', say('Hi.')), answered(call({ output: '' }), step, say('So.'))],
    says: ['(no output)'],
  },
  {
    what: 'thoughts that were cut off',
    history: [asked('q', say('Hi.')), answered({ type: 'reasoning', text: 'unsigned thought' }, say('So.'))],
    leavesOut: ['unsigned thought'],
  },
  {
    what: 'thoughts without an answer',
    history: [
      asked('q', say('Hi.')),
      answered(
        ...SIGNED.map((providerMetadata) => ({ type: 'reasoning', text: 'lone thought', providerMetadata })),
      ),
    ],
    leavesOut: ['lone thought'],
  },
  {
    what: 'what another vendor has run itself',
    history: [
      asked('q', say('Hi.')),
      answered(
        ...['google', 'anthropic', 'openai'].map((vendor, index) =>
          call({
            type: 'tool-code_execution',
            toolCallId: `call_${vendor}`,
            providerExecuted: true,
            input: { code: `print(${index})` },
            output: { output: 'done' },
            callProviderMetadata: { [vendor]: { itemId: 'ci_1', serverToolCallId: 'x' } },
          }),
        ),
        say('So.'),
      ),
    ],
    says: ['print(0)', 'print(2)'],
    leavesOut: ['ci_1', 'serverToolCallId'],
  },
  {
    what: 'citations of another search',
    history: [
      asked('q', say('Hi.')),
      answered(
        say('Cited.', {
          providerMetadata: { anthropic: { citations: [{ type: 'web_search_result_location' }] } },
        }),
      ),
    ],
    leavesOut: ['web_search_result_location'],
  },
  {
    what: 'a file that no one takes',
    history: [asked('q', say('See.'), FILES['zip']), answered(say('I see.'))],
    says: ['[omitted file: a.zip; it is of the type application/zip'],
  },
  {
    what: 'a broken data URL',
    history: [asked('q', say('See.'), FILES['broken base64']), answered(say('I see.'))],
    says: ['[omitted file: image/png; it is not valid base64]'],
  },
  {
    what: 'an image that is of another type',
    history: [asked('q', say('See.'), FILES['jpeg said to be png']), answered(say('I see.'))],
    says: ['image/jpeg'],
    leavesOut: ['image/png'],
  },
  {
    what: 'a file of an answer',
    history: [asked('q', say('Draw.')), answered(say('Here.'), FILES['png'])],
    says: ['[omitted file: cat.png]'],
    leavesOut: [PNG.toString('base64')],
  },
  {
    what: 'a file that was refused once',
    history: [asked('q', say('See.'), FILES['refused before']), answered(say('I see.'))],
    says: ['once.png; ', ' could not process it]'],
  },
  {
    what: 'text as a file',
    history: [asked('q', say('See.'), FILES['csv']), answered(say('I see.'))],
    says: ['[file: sky.csv]', 'Rome,clear'],
  },
];

describe.each(ASKED_MODELS)('$provider/$modelId $api gets', (model) => {
  it.each(RULES)('$what', async ({ history, says = [], leavesOut = [] }) => {
    const vendor = new AskedVendor(model);
    await vendor.ask(history, question);
    expect(vendor.exchanges.map(({ refusal }) => refusal)).toEqual([undefined]);
    for (const words of says) expect(vendor.told).toContain(words);
    for (const words of leavesOut) expect(vendor.told).not.toContain(words);
    expect(vendor.told).toContain('And now?');
  });

  it('only its own reasoning', async () => {
    const vendor = new AskedVendor(model);
    const thoughts = SIGNED.map((providerMetadata) => ({
      type: 'reasoning',
      text: 'thought',
      providerMetadata,
    }));
    await vendor.ask([asked('q', say('Hi.')), answered(...thoughts, say('So.'))], question);
    expect(vendor.exchanges).toMatchObject([{ refusal: undefined }]);
    const proofs = { google: 'c2lnbmVk', anthropic: THINKING_SIGNATURE, openai: ENCRYPTED_CONTENT };
    const told = Object.entries(proofs).flatMap(([name, proof]) =>
      vendor.told.includes(proof) ? [name] : [],
    );
    // Chat Completions have no field for reasoning.
    expect(told).toEqual(model.api === 'chat' ? [] : [model.provider]);
  });

  it('no more images than it accepts, and the latest of them', async () => {
    const vendor = new AskedVendor(model);
    const images = Array.from({ length: 30 }, (_, index) =>
      file('image/png', pngOf(100 + index), `p${index}.png`),
    );
    const large = file('image/png', pngOf(2_500), 'large.png');
    await vendor.ask([asked('q', say('See.'), large, ...images), answered(say('I see.'))], question);
    expect(vendor.exchanges).toMatchObject([{ refusal: undefined }]);
    expect(vendor.told.split('iVBORw0KGgo').length - 1).toBe(model.provider === 'anthropic' ? 30 : 31);
    expect(vendor.told.includes('omitted file: large.png; it is one too many')).toBe(
      model.provider === 'anthropic',
    );
  });

  it('an earlier file that is broken inside once, and later requests without it', async () => {
    const vendor = new AskedVendor(model);
    const refused: unknown[] = [];
    const history = [asked('q', say('See.'), FILES['png'], BROKEN_PNG), answered(say('I see.'))];
    await vendor.ask(history, question, { onRefusedFiles: (files) => refused.push(...files) });
    expect(vendor.exchanges).toMatchObject([{ refusal: expect.any(String) }, { refusal: undefined }]);
    expect(refused).toContainEqual(expect.objectContaining({ messageId: 'q', index: 2, name: 'broken.png' }));
  });

  it('a question again as plain text if earlier messages are refused for an unknown reason', async () => {
    const vendor = new AskedVendor(model);
    const forged = answered(
      {
        type: 'reasoning',
        text: 'forged',
        providerMetadata: {
          google: { thoughtSignature: '!' },
          anthropic: { signature: 'x' },
          openai: { itemId: 'rs_9', reasoningEncryptedContent: 'x' },
        },
      },
      call({}),
      step,
      say('So.'),
    );
    await vendor.ask([asked('q', say('Hi.')), forged], question);
    expect(vendor.exchanges.at(-1)).toMatchObject({ refusal: undefined });
    for (const words of ['Hi.', 'clear as glass', 'So.', 'And now?']) expect(vendor.told).toContain(words);
    if (vendor.exchanges.length > 1) expect(vendor.told).not.toContain('forged');
  });

  it('no refused file: an error names each file in the question that it does not accept', () => {
    const { model: selected } = new AskedVendor(model);
    const parts = [say('See.'), FILES['png'], FILES['zip'], FILES['broken base64'], FILES['csv']] as never;
    expect(() => refuseFiles(objectionsTo({ parts })(selected))).toThrow(
      expect.objectContaining({
        status: 400,
        errors: [
          {
            path: 'message.parts.2',
            message: expect.stringMatching(
              /a\.zip is of the type application\/zip; .* takes image\/png, .* and text/,
            ),
          },
          { path: 'message.parts.3', message: 'the file image/png is not valid base64' },
        ],
      }),
    );
  });
});

describe('a model', () => {
  const parts = [FILES['png'], FILES['csv']] as never;
  const gpt = { provider: 'openai', modelId: 'gpt-4o-mini' } as const;

  it('that accepts no files according to the catalog still gets text', () => {
    const { model } = new AskedVendor(gpt, {}, { capabilities: { fileInput: false } });
    expect(() => refuseFiles(objectionsTo({ parts })(model))).toThrow(
      'message.parts.0: the file cat.png cannot be given to openai/gpt-4o-mini, which takes text only',
    );
  });

  it('that gets no files by its configuration gets none', () => {
    const { model } = new AskedVendor(gpt, { capabilities: { fileInput: false } });
    expect(() => refuseFiles(objectionsTo({ parts })(model))).toThrow(
      /parts\.0.*cannot be given .* here; message\.parts\.1/,
    );
  });

  it('gets no more text than it can read', async () => {
    const long = file('text/plain', 'word '.repeat(2_000), 'long.txt');
    const vendor = new AskedVendor(gpt, {}, { contextWindow: 1_000, capabilities: {} });
    expect(() => refuseFiles(objectionsTo({ parts: [long] as never })(vendor.model))).toThrow(
      'long.txt is too long',
    );
    await vendor.ask([asked('q', long), answered(say('I see.'))], question);
    expect(vendor.told).toContain('[The rest is omitted.]');
    expect(vendor.told.length).toBeLessThan(5_000);
  });

  it('is asked about files that were read for the model before it', () => {
    let reads = 0;
    const { url, ...rest } = FILES['png'] as unknown as { url: string };
    const picture = {
      ...rest,
      get url() {
        reads++;
        return url;
      },
    };
    const objections = objectionsTo({ parts: [picture] as never });
    expect(reads).toBe(0);
    expect(objections(new AskedVendor(gpt).model)).toEqual([]);
    const readsOfOne = reads;
    const { model } = new AskedVendor(gpt, { capabilities: { fileInput: false } });
    expect(objections(model)).toHaveLength(1);
    expect([readsOfOne > 0, reads]).toEqual([true, readsOfOne]);
  });
});
