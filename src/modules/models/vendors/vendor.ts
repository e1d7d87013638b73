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
  SharedV4ProviderMetadata,
} from '@ai-sdk/provider';
import type { VendorVariables } from '../../../config/environment.js';
import type { PictureSize } from '../media-tokens.js';
import type { CacheLifetime } from '../../admin-config/config-schemas.js';
import type { Pricing } from '../../admin-config/pricing-schema.js';
import type { TokenUsage } from '../../usage/pricing.js';

/** What a client of a vendor is made with. */
export interface Connection {
  apiKey: string;
  /** Another endpoint than the vendor's own. */
  baseURL?: string;
  fetch: typeof fetch;
  /** Which of the vendor's interfaces to speak, where it has several. */
  api?: string;
}

/** The part of a vendor's client that is used. */
export interface VendorClient {
  language(modelId: string): LanguageModelV4;
  /** Undefined where the vendor has no image models. */
  image?(modelId: string): ImageModelV4;
  /** The vendor's file API; present where `files.uploads` of its record is. */
  files?(): FilesV4;
}

/** What the options of a call depend on. */
export interface CalledModel {
  /** The vendor's own id. */
  modelId: string;
  /** Undefined where nobody says, or the model cannot think: the vendor's own default holds. */
  thinking: boolean | undefined;
  /** Whether the configuration allows this tool of the vendor. */
  readonly allows: (tool: string) => boolean;
}

export type ProviderOptions = Record<
  string,
  Record<string, boolean | number | string | null | Record<string, boolean | number | string>>
>;

/** What the use of a vendor's prompt cache depends on. */
export interface PromptCache {
  /** How long a prompt is kept, for vendors that let it be chosen. */
  ttl: CacheLifetime;
  /** The same in all calls of a chat and different for each chat. It does not tell whose chat it is. */
  conversation?: string;
}

/** How a vendor finds the beginning of a prompt that it has read before. */
export interface CachingRules {
  /** The call with what the vendor must be told for that. The words of the prompt stay as they are. */
  prepare(options: LanguageModelV4CallOptions, cache: PromptCache): LanguageModelV4CallOptions;
  /** Whether the vendor writes prompts to its cache, for its price of a cache write, without being told to. */
  readonly writesUnasked: boolean;
}

/** A model that is offered from the start, with its list price. */
export interface OfferedModel {
  id: string;
  name: string;
  contextWindow: number;
  maxOutputTokens: number;
  reasoning: boolean;
  pricing: Pricing;
}

/** The image model that is configured from the start. No agent offers it: it draws, it does not answer. */
export interface OfferedImageModel {
  id: string;
  name: string;
  contextWindow?: number;
  maxOutputTokens?: number;
  pricing: Pricing;
}

/** What the models of a vendor take besides text. Sizes are characters of base64, as they go over the wire. */
export interface FileRules {
  /** Media types of files that are sent as they are. Text needs none: it is written into the prompt. */
  readonly types: readonly string[];
  /** Models that take none of them. */
  readonly textModels?: RegExp;
  /** Images of a request at most. */
  readonly maxImages: number;
  readonly maxImageSize?: number;
  /** Pixels of an image's longer side. */
  readonly maxImageSide?: number;
  /** A stricter limit for requests with more than this many images. */
  readonly manyImages?: { readonly above: number; readonly maxImageSide: number };
  /** Of all files inside of a request together; below the vendor's limit of a request, which text counts against too. */
  readonly maxTotalSize: number;
  /** For files beyond that. Absent where a request takes everything that this server takes. */
  readonly uploads?: FileUploads;
  /** The vendor's words for a file that it cannot process. */
  readonly refusal: RegExp;
}

/** The vendor's file API. A file that does not fit into a request is uploaded, and the request names it. */
export interface FileUploads {
  /** Of all files of a request together, inside of it or uploaded, in characters of base64. */
  readonly maxTotalSize: number;
  /** Milliseconds until the vendor deletes a file. */
  readonly lifetime: number;
  /** When the vendor deletes this file, where only its metadata tell; in epoch milliseconds. */
  expiryOf?(uploaded: FilesV4UploadFileResult): number | undefined;
  /** The vendor's words for a file that it does not have or no longer has. */
  readonly unknown: RegExp;
}

/** What the vendor gets back of its own notes on the parts of an earlier answer. It gets nothing of another vendor's notes. */
export interface HistoryRules {
  /** The name under which the vendor's client keeps its notes. */
  readonly namespace: string;
  readonly text?: readonly string[];
  readonly toolCall?: readonly string[];
  readonly reasoning: {
    readonly notes: readonly string[];
    /** The vendor takes thoughts back only with one of these: its own signature, or the thoughts in encrypted form. */
    readonly proofs: readonly string[];
    /** The note by which several parts are one item, refused without an item of the same answer after it. */
    readonly item?: string;
  };
}

/**
 * Everything that is particular to one model vendor. Each list that names vendors is derived from these records: add one
 * to `vendor-list.ts`, and its key is accepted, documented and kept out of logs, and its agents can be configured.
 */
export interface Vendor {
  /** As it stands in model ids, configuration keys and usage: `google`. */
  readonly id: string;
  /** As texts call it: `Google`. */
  readonly name: string;
  /** The header in which users send keys of their own, in lower case. */
  readonly keyHeader: string;
  readonly variables: VendorVariables;
  connect(connection: Connection): VendorClient;

  /** False where the vendor has no such parameter. */
  readonly takesTopK: boolean;
  /**
   * Tokens that thoughts may take on top of those of the answer. They are added to `maxOutputTokens`, unless the vendor's
   * client does that itself.
   */
  readonly thoughts: { readonly tokens: number; readonly addedByClient: boolean };
  /** What must be said with each call in the vendor's own words: thinking, and that it is not to keep the conversation. */
  options(model: CalledModel): ProviderOptions;
  /** What the vendor does on its own side, by the capability that allows it, under the names that the vendor uses. */
  readonly tools: Readonly<Record<string, LanguageModelV4ProviderTool>>;
  /** Of `tools`: the one that searches, for a fee each time. */
  readonly searchTool?: string;
  /** The interfaces that have these tools, where not all of them do. */
  readonly apisWithTools?: readonly string[];

  readonly usage: {
    /** True where counts of a stopped stream are only in raw chunks. */
    readonly inRawChunks: boolean;
    /**
     * Figures that come before the end of a stream, so that a stopped stream can be counted. Undefined for parts that
     * carry none. Only called for `raw` and `custom` parts.
     */
    partial?(part: LanguageModelV4StreamPart): Partial<TokenUsage> | undefined;
    /** Parts of the final figures that the vendor's client does not hand on but for what the vendor said, as it said it. */
    details?(reported: JSONObject): Partial<TokenUsage>;
    /** Searches that cost a fee and that a part tells of, each by something that is the same whenever it is told again. */
    searches?(part: LanguageModelV4StreamPart, modelId: string): readonly string[];
    /** The model that answers, where the vendor's client does not tell; only called for `raw` parts. */
    answeredBy?(part: LanguageModelV4StreamPart): string | undefined;
  };

  /** How many times as many tokens the vendor makes of a text as are estimated. */
  tokensPerEstimate?(modelId: string): number;
  /** How the vendor counts what is not text, by its published rules; used for estimates. */
  readonly media: {
    picture(size: PictureSize, modelId: string): number;
    /** Of a PDF. */
    tokensOfPage(modelId: string): number;
    /** Of sound. */
    readonly tokensOfSecond: number;
  };

  readonly files: FileRules;
  readonly history: HistoryRules;
  /** Absent where the vendor caches prompts by itself, and asks nothing for it. */
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

  /** Where the vendor's tools leave code and its output in a stored answer; later questions may go to another vendor. */
  readonly code: {
    /** Fields of the call's input, the first that has text counts. */
    readonly input: readonly string[];
    /** Fields of its output. */
    readonly output: readonly string[];
    /** A field of its output that is a list, and the field of an item that has text. */
    readonly outputList?: readonly [list: string, field: string];
  };

  /** The models that are offered from the start, the flagship first. */
  readonly models: readonly OfferedModel[];
  /** Of `models`: the one that answers when the client names none. */
  readonly defaultModel: string;
  /** Of `models`: the cheap one that names chats and chooses agents. */
  readonly titleModel: string;
  /** Absent where the vendor has no image models. */
  readonly images?: {
    readonly model: OfferedImageModel;
    /** Tokens that a picture takes at most, drawn or given. */
    readonly tokens: number;
    /** The text of a refusal by the rules on content, where it comes as an error and not as an answer without a picture. */
    readonly refusal?: RegExp;
    /** Tokens of pictures, given and drawn, where the vendor bills them at a price of their own. */
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

/** More than any model reads or writes in one call: a provider that reports it is not believed. */
const MAX_TOKENS = 20_000_000;

/** Invalid counts (negative, fractional, absurd, not a number) must not break the books: they count as not reported. */
export function count(value: unknown): number {
  if (typeof value !== 'number' || !(value > 0 && value <= MAX_TOKENS)) return 0;
  return Math.round(value);
}
