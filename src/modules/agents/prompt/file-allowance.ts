import type { SelectedModel } from '../../models/model-selector.js';
import type { FileRules } from '../../models/vendors/vendor.js';
import { VENDORS } from '../../models/vendors/vendors.js';
import type { BinaryContent, FileContent } from './file-content.js';

/** The number of characters of text that one file may have for each token of a model's context window. */
const CHARACTERS_PER_TOKEN = 3;
/** For models with an unknown context window, in tokens. */
const USUAL_WINDOW = 128_000;

/** Why a model does not get a file. Continues a sentence about the file. */
export type Objection = string;

/**
 * Decides which files of one request the model gets. Files are checked in the order of their importance, the latest
 * first. Each file reduces the space for the next ones.
 */
export class FileAllowance {
  private readonly rules: FileRules | undefined;
  private images = 0;
  private largeImages = 0;
  private size = 0;

  constructor(private readonly model: SelectedModel) {
    this.rules = model.provider === 'demo' ? undefined : VENDORS[model.provider].files;
  }

  /** Longer text is cut if it is in an earlier message. */
  get maxTextLength(): number {
    return (this.model.catalog?.contextWindow ?? USUAL_WINDOW) * CHARACTERS_PER_TOKEN;
  }

  /** Whether no further file except text can be accepted. Such files need not even be read. */
  get isUsedUp(): boolean {
    return this.rules !== undefined && this.size >= totalSizeOf(this.rules);
  }

  /** Undefined if the file is accepted. */
  take(content: FileContent): Objection | undefined {
    const { agentConfig, catalog, id } = this.model;
    if (agentConfig.capabilities?.fileInput === false) return `cannot be given to ${id} here`;
    if (content.kind === 'unreadable') return content.reason;
    if (content.kind === 'text') return undefined;
    if (catalog?.capabilities['fileInput'] === false || this.rules?.textModels?.test(this.model.modelId))
      return `cannot be given to ${id}, which takes text only`;
    return this.rules && this.takeBinary(content, this.rules);
  }

  /** The reason against a text in the question itself, which must not be cut. */
  objectionToLength(content: FileContent): Objection | undefined {
    if (content.kind !== 'text') return undefined;
    if ((content.leastLength ?? content.text.length) <= this.maxTextLength) return undefined;
    return `is too long; ${this.model.id} takes ${this.maxTextLength} characters of it`;
  }

  private takeBinary(content: BinaryContent, rules: FileRules): Objection | undefined {
    const { id } = this.model;
    const { mediaType } = content;
    const length = lengthOf(content);
    if (!rules.types.includes(mediaType))
      return `is of the type ${mediaType}; ${id} takes ${rules.types.join(', ')} and text`;
    if (this.size + length > totalSizeOf(rules))
      return `is too large; ${id} takes ${megabytes(totalSizeOf(rules))} MB of files in one request`;
    const objection = mediaType.startsWith('image/') ? this.takeImage(content, rules) : undefined;
    if (objection === undefined) this.size += length;
    return objection;
  }

  private takeImage(content: BinaryContent, rules: FileRules): Objection | undefined {
    const { id } = this.model;
    const { longestSide } = content;
    const { maxImages, maxImageSize = Infinity, maxImageSide = Infinity, manyImages } = rules;
    if (lengthOf(content) > maxImageSize)
      return `is too large; ${id} takes images of at most ${megabytes(maxImageSize)} MB`;
    if (longestSide !== undefined && longestSide > maxImageSide)
      return `is too large; ${id} takes images of at most ${maxImageSide} pixels a side`;
    if (this.images >= maxImages) return `is one too many; ${id} takes at most ${maxImages} images`;
    const isLarge =
      manyImages !== undefined && !(longestSide !== undefined && longestSide <= manyImages.maxImageSide);
    if (manyImages && this.images >= manyImages.above && (isLarge || this.largeImages > 0))
      return `is one too many; ${id} takes at most ${manyImages.above} images when one of them has more than ${manyImages.maxImageSide} pixels a side`;
    this.images++;
    if (isLarge) this.largeImages++;
    return undefined;
  }
}

/** Files that do not fit into the request itself are uploaded, if the vendor has a file API. */
function totalSizeOf({ uploads, maxTotalSize }: FileRules): number {
  return uploads?.maxTotalSize ?? maxTotalSize;
}

function lengthOf({ base64, length = base64.length }: BinaryContent): number {
  return length;
}

/** The size of the file itself, which is less than its base64: three bytes for four characters. */
function megabytes(characters: number): number {
  return Math.floor((characters * 0.75) / 100_000) / 10;
}
