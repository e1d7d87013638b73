import type { SelectedModel } from '../../models/model-selector.js';
import type { FileRules } from '../../models/vendors/vendor.js';
import { VENDORS } from '../../models/vendors/vendors.js';
import type { BinaryContent, FileContent } from './file-content.js';

/** Characters of text for each token of a model's context window that one file may have. */
const CHARACTERS_PER_TOKEN = 3;
/** For models whose window is not known, in tokens. */
const USUAL_WINDOW = 128_000;

/** Why a model is not given a file; continues a sentence about the file. */
export type Objection = string;

/**
 * What a model takes of the files of one request. Files are presented in the order of their importance, the latest first:
 * what one takes up is missing for those after it.
 */
export class FileAllowance {
  private readonly rules: FileRules | undefined;
  private images = 0;
  private largeImages = 0;
  private size = 0;

  constructor(private readonly model: SelectedModel) {
    this.rules = model.provider === 'demo' ? undefined : VENDORS[model.provider].files;
  }

  /** Longer text is cut where it stands in an earlier message. */
  get maxTextLength(): number {
    return (this.model.catalog?.contextWindow ?? USUAL_WINDOW) * CHARACTERS_PER_TOKEN;
  }

  /** Whether nothing that is no text can be taken any more: then it need not even be read. */
  get isUsedUp(): boolean {
    return this.rules !== undefined && this.size >= totalSizeOf(this.rules);
  }

  /** Undefined when the file is taken. */
  take(content: FileContent): Objection | undefined {
    const { agentConfig, catalog, id } = this.model;
    if (agentConfig.capabilities?.fileInput === false) return `cannot be given to ${id} here`;
    if (content.kind === 'unreadable') return content.reason;
    if (content.kind === 'text') return undefined;
    if (catalog?.capabilities['fileInput'] === false || this.rules?.textModels?.test(this.model.modelId))
      return `cannot be given to ${id}, which takes text only`;
    return this.rules && this.takeBinary(content, this.rules);
  }

  /** What is against a text in the question itself, of which nothing may be cut. */
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

/** What does not fit into the request itself is uploaded, where the vendor has a file API for it. */
function totalSizeOf({ uploads, maxTotalSize }: FileRules): number {
  return uploads?.maxTotalSize ?? maxTotalSize;
}

function lengthOf({ base64, length = base64.length }: BinaryContent): number {
  return length;
}

/** Of the file itself, a third less than its base64. */
function megabytes(characters: number): number {
  return Math.floor((characters * 0.75) / 100_000) / 10;
}
