import type {
  FilesV4,
  FilesV4UploadFileResult,
  ImageModelV4,
  ImageModelV4Result,
  JSONObject,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4ProviderTool,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
  SharedV4ProviderMetadata,
  SharedV4ProviderOptions,
} from '@ai-sdk/provider';
import type { VendorVariables } from '../../../config/environment.js';
import type { PictureSize } from '../media-tokens.js';
import type { CacheLifetime } from '../../admin-config/config-schemas.js';
import type { Pricing } from '../../admin-config/pricing-schema.js';
import type { TokenUsage } from '../../usage/pricing.js';

/** The settings of a vendor's client. */
export interface Connection {
  apiKey: string;
  /** An endpoint other than the vendor's own. */
  baseURL?: string;
  fetch: typeof fetch;
  /** Which of the vendor's interfaces to use, if it has several. */
  api?: string;
}

/** The part of a vendor's client that is used. */
export interface VendorClient {
  language(modelId: string): LanguageModelV4;
  /** Undefined if the vendor has no image models. */
  image?(modelId: string): ImageModelV4;
  /** The vendor's file API. Present if its record has `files.uploads`. */
  files?(): FilesV4;
}

/** The input for the options of a call. */
export interface CalledModel {
  /** The vendor's id of the model. */
  modelId: string;
  /** Undefined if thinking is not set, or if the model cannot think. The vendor's default then applies. */
  thinking: boolean | undefined;
  /** Whether the configuration allows this tool of the vendor. */
  readonly allows: (tool: string) => boolean;
}

export type ProviderOptions = Record<
  string,
  Record<string, boolean | number | string | null | Record<string, boolean | number | string>>
>;

/** The input for the use of a vendor's prompt cache. */
export interface PromptCache {
  /** How long a prompt is kept, for vendors that allow a choice. */
  ttl: CacheLifetime;
  /** The same in all calls of a chat, and different for each chat. It does not reveal the chat's owner. */
  conversation?: string;
}

/** How a vendor finds the beginning of a prompt in its cache. */
export interface CachingRules {
  /** Adds what the vendor needs for its cache to a call. The text of the prompt stays unchanged. */
  prepare(options: LanguageModelV4CallOptions, cache: PromptCache): LanguageModelV4CallOptions;
  /** Whether the vendor writes prompts to its cache by itself, and bills this as a cache write. */
  readonly writesUnasked: boolean;
}

/** A model that is offered by default, with its list price. */
export interface OfferedModel {
  id: string;
  name: string;
  contextWindow: number;
  maxOutputTokens: number;
  reasoning: boolean;
  pricing: Pricing;
}

/** The image model that is configured by default. No agent offers it, because it draws and does not answer. */
export interface OfferedImageModel {
  id: string;
  name: string;
  contextWindow?: number;
  maxOutputTokens?: number;
  pricing: Pricing;
}

/** The files that the models of a vendor accept besides text. Sizes are in characters of base64, as sent. */
export interface FileRules {
  /** Media types of files that are sent as they are. Text needs none: it is written into the prompt. */
  readonly types: readonly string[];
  /** Models that accept none of these types. */
  readonly textModels?: RegExp;
  /** The maximum number of images in a request. */
  readonly maxImages: number;
  readonly maxImageSize?: number;
  /** The maximum length of an image's longer side, in pixels. */
  readonly maxImageSide?: number;
  /** A stricter limit for requests with more than this many images. */
  readonly manyImages?: { readonly above: number; readonly maxImageSide: number };
  /** The maximum size of all files inside a request. It is below the vendor's limit for a request, which includes text. */
  readonly maxTotalSize: number;
  /** For files beyond that limit. Absent if a request can contain everything that this server accepts. */
  readonly uploads?: FileUploads;
  /** The vendor's error text for a file that it cannot process. */
  readonly refusal: RegExp;
}

/** The vendor's file API. A file that does not fit into a request is uploaded, and the request names it. */
export interface FileUploads {
  /** The maximum size of all files of a request, inside it or uploaded, in characters of base64. */
  readonly maxTotalSize: number;
  /** Milliseconds until the vendor deletes a file. */
  readonly lifetime: number;
  /** When the vendor deletes this file, in epoch milliseconds, if only its metadata contains this time. */
  expiryOf?(uploaded: FilesV4UploadFileResult): number | undefined;
  /** The vendor's error text for a file that it does not have or no longer has. */
  readonly unknown: RegExp;
}

/** The vendor's own notes on the parts of an earlier answer that it gets back. It gets no notes of other vendors. */
export interface HistoryRules {
  /** The name under which the vendor's client keeps its notes. */
  readonly namespace: string;
  readonly text?: readonly string[];
  readonly toolCall?: readonly string[];
  readonly reasoning: {
    readonly notes: readonly string[];
    /** The vendor only accepts reasoning back with one of these: its own signature, or the encrypted reasoning. */
    readonly proofs: readonly string[];
    /** The note that joins several parts into one item. The vendor refuses the item without another item of the same answer after it. */
    readonly item?: string;
  };
}

/** How a vendor's stream of events says that the answer is whole. The connection may outlive that, or break behind it. */
export interface StreamEnd {
  /** The line of the last event, with the line end before it. The event is complete at the next blank line. */
  readonly lastEvent?: RegExp;
  /** For a vendor without a last event: a chunk with this is the last one, if no other follows. */
  readonly possiblyLast?: RegExp;
}

/**
 * Everything that is specific to one model vendor. Each list that names vendors is derived from these records: add one
 * to `vendor-list.ts`, and its key is accepted, documented and kept out of logs, and its agents can be configured.
 */
export interface Vendor {
  /** The name in model ids, configuration keys and usage: `google`. */
  readonly id: string;
  /** The name in texts: `Google`. */
  readonly name: string;
  /** The header in which users send their own keys, in lower case. */
  readonly keyHeader: string;
  readonly variables: VendorVariables;
  connect(connection: Connection): VendorClient;
  /**
   * Line ends and quotation marks within JSON texts are escaped, so no text of an answer looks like an end. If absent, the
   * end of the response is the end of the answer.
   */
  readonly streamEnd?: StreamEnd;

  /** False if the vendor has no such parameter. */
  readonly takesTopK: boolean;
  /**
   * The tokens that reasoning may use in addition to the answer. They are added to `maxOutputTokens`, unless the
   * vendor's client does this.
   */
  readonly thoughts: { readonly tokens: number; readonly addedByClient: boolean };
  /**
   * Lowers the reasoning budget of a call that may write at most `most` tokens, if the vendor's client adds that budget to
   * `maxOutputTokens`. Undefined if the call has no such budget.
   */
  limitThoughts?(
    options: SharedV4ProviderOptions | undefined,
    most: number,
  ): { tokens: number; options: SharedV4ProviderOptions } | undefined;
  /** The options that each call needs, in the vendor's own format: thinking, and that the vendor must not store the conversation. */
  options(model: CalledModel): ProviderOptions;
  /** The tools that run on the vendor's side, by the capability that allows them, under the vendor's names. */
  readonly tools: Readonly<Record<string, LanguageModelV4ProviderTool>>;
  /** The tool in `tools` that searches, with a fee for each search. */
  readonly searchTool?: string;
  /** The interfaces that have these tools, if not all of them do. */
  readonly apisWithTools?: readonly string[];

  readonly usage: {
    /** True where counts of a stopped stream are only in raw chunks. */
    readonly inRawChunks: boolean;
    /**
     * Figures that come before the end of a stream, so that a stopped stream can be counted. Undefined for parts that
     * carry none. Only called for `raw` and `custom` parts.
     */
    partial?(part: LanguageModelV4StreamPart): Partial<TokenUsage> | undefined;
    /** The figures in the data of an error that the vendor's client throws instead of starting a stream. */
    ofFailure?(data: unknown): LanguageModelV4Usage | undefined;
    /** Parts of the final figures that the vendor's client only passes on as raw data. */
    details?(reported: JSONObject): Partial<TokenUsage>;
    /** The searches with a fee that a part reports. Each is identified by a value that stays the same if it is reported again. */
    searches?(part: LanguageModelV4StreamPart, modelId: string): readonly string[];
    /** The model that answers, if the vendor's client does not report it. Only called for `raw` parts. */
    answeredBy?(part: LanguageModelV4StreamPart): string | undefined;
  };

  /** The factor between the vendor's tokens and the estimated tokens of a text. */
  tokensPerEstimate?(modelId: string): number;
  /** How the vendor counts anything except text, by its published rules. Used for estimates. */
  readonly media: {
    picture(size: PictureSize, modelId: string): number;
    /** The tokens of a PDF. */
    tokensOfPage(modelId: string): number;
    /** The tokens of sound. */
    readonly tokensOfSecond: number;
    /** The tokens of video with its sound. Absent if the vendor takes no videos. */
    readonly tokensOfVideoSecond?: number;
  };

  readonly files: FileRules;
  readonly history: HistoryRules;
  /** Absent if the vendor caches prompts by itself and does not bill cache writes. */
  readonly caching?: CachingRules;

  /**
   * The meaning of finish reasons that the vendor's client does not map. `pause` ends the request, not the answer: the
   * vendor continues when what it has said is sent back.
   */
  readonly endings?: Readonly<Record<string, 'content-filter' | 'pause'>>;
  /** Options of the call that continues after a pause. Gets the metadata of the paused call's end. */
  resuming?(metadata: SharedV4ProviderMetadata): ProviderOptions | undefined;
  /**
   * Whether an event that the vendor's client could not read is of an unknown type and carries no part of the answer.
   * Without this function, no event is ignored.
   */
  ignores?(event: unknown): boolean;

  /** Where the vendor's tools store code and its output in an answer. Later questions may go to another vendor. */
  readonly code: {
    /** Fields of the call's input. The first one with text is used. */
    readonly input: readonly string[];
    /** Fields of its output. */
    readonly output: readonly string[];
    /** A field of its output that is a list, and the field of its items that has text. */
    readonly outputList?: readonly [list: string, field: string];
  };

  /** The models that are offered by default, the flagship first. */
  readonly models: readonly OfferedModel[];
  /** The model in `models` that answers if the client names none. */
  readonly defaultModel: string;
  /** The cheap model in `models` that names chats and chooses agents. */
  readonly titleModel: string;
  /** Absent if the vendor has no image models. */
  readonly images?: {
    readonly model: OfferedImageModel;
    /** The maximum number of tokens of a picture, as input or output. */
    readonly tokens: number;
    /** The text of a refusal by the content rules, if it is an error and not an answer without a picture. */
    readonly refusal?: RegExp;
    /** The tokens of pictures, input and output, if the vendor bills them at a separate price. */
    details?(result: ImageModelV4Result): Partial<TokenUsage>;
  };
}

export function providerTool(
  id: LanguageModelV4ProviderTool['id'],
  name: string,
  args: Record<string, unknown> = {},
): LanguageModelV4ProviderTool {
  return { type: 'provider', id, name, args };
}

/** No model reads or writes more in one call. A higher value from a provider is ignored. */
const MAX_TOKENS = 20_000_000;

/** Invalid counts (negative, fractional, absurd, not a number) must not corrupt the usage data. They count as not reported. */
export function count(value: unknown): number {
  if (typeof value !== 'number' || !(value > 0 && value <= MAX_TOKENS)) return 0;
  return Math.round(value);
}
