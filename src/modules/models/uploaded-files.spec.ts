import type {
  FilesV4,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FilePart,
} from '@ai-sdk/provider';
import { type FileStore, UploadedFiles } from './uploaded-files.js';
import type { FileUploads } from './vendors/vendor.js';

const HOUR = 3_600_000;

/** A vendor that takes ten characters of files in a call, and says `file-<number>` of each upload. */
function vendorOf(uploads: Partial<FileUploads> = {}) {
  const uploaded: Uint8Array[] = [];
  const calls: LanguageModelV4CallOptions[] = [];
  const files = {
    uploadFile: async ({ data }: { data: { data: Uint8Array } }) => {
      uploaded.push(data.data);
      return Promise.resolve({ warnings: [], providerReference: { google: `file-${uploaded.length}` } });
    },
  } as unknown as FilesV4;
  const model = {
    specificationVersion: 'v4',
    doGenerate: async (options: LanguageModelV4CallOptions) => {
      calls.push(options);
      return Promise.resolve({});
    },
  } as unknown as LanguageModelV4;
  const rules = { types: [], maxImages: 1, maxTotalSize: 10, refusal: /x/ };
  const store = (apiKey: string): FileStore => ({
    files,
    rules,
    uploads: { maxTotalSize: 100, lifetime: 48 * HOUR, unknown: /x/, ...uploads },
    apiKey,
  });
  const memory = new UploadedFiles();
  return {
    uploaded,
    /** What each file of the call became. */
    ask: async (contents: string[], apiKey = 'key'): Promise<unknown[]> => {
      const content = contents.map((text) => fileOf(text));
      await memory.uploading(model, store(apiKey)).doGenerate({ prompt: [{ role: 'user', content }] });
      const [message] = calls.at(-1)?.prompt ?? [];
      return (message?.content as LanguageModelV4FilePart[]).map(({ data }) =>
        data.type === 'reference' ? data.reference['google'] : data.type,
      );
    },
  };
}

function fileOf(text: string): LanguageModelV4FilePart {
  const data = Buffer.from(text).toString('base64');
  return { type: 'file', mediaType: 'application/pdf', data: { type: 'data', data } };
}

describe('uploaded files', () => {
  afterEach(() => jest.useRealTimers());

  it('are those for which the later files leave no space', async () => {
    const { ask, uploaded } = vendorOf();
    expect(await ask(['first', 'later'])).toEqual(['file-1', 'data']);
    expect(uploaded.map(String)).toEqual([String(Buffer.from('first'))]);
    expect(await ask(['much larger', 'later'])).toEqual(['file-2', 'data']);
    expect(await ask(['a', 'b'])).toEqual(['data', 'data']);
  });

  it('are known by their content, and with their key only', async () => {
    const { ask, uploaded } = vendorOf();
    expect(await ask(['a large file', 'a large file'])).toEqual(['file-1', 'file-1']);
    expect(await ask(['another large file'])).toEqual(['file-2']);
    expect(await ask(['a large file'], 'another key')).toEqual(['file-3']);
    expect(await ask(['a large file'])).toEqual(['file-1']);
    expect(uploaded).toHaveLength(3);
  });

  it('are uploaded again shortly before the vendor deletes them', async () => {
    jest.useFakeTimers({ now: 0, doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    const { ask } = vendorOf();
    expect(await ask(['a large file'])).toEqual(['file-1']);
    jest.setSystemTime(46 * HOUR);
    expect(await ask(['a large file'])).toEqual(['file-1']);
    jest.setSystemTime(47 * HOUR);
    expect(await ask(['a large file'])).toEqual(['file-2']);
  });

  it('are not used longer than the vendor says', async () => {
    jest.useFakeTimers({ now: 0, doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    const { ask } = vendorOf({ expiryOf: () => 2 * HOUR });
    expect(await ask(['a large file'])).toEqual(['file-1']);
    jest.setSystemTime(HOUR);
    expect(await ask(['a large file'])).toEqual(['file-2']);
  });
});
