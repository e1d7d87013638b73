/** A picture with its type. */
export interface Image {
  mediaType: string;
  /** Base64. */
  data: string;
}

/** The first bytes of the formats in base64. These are the formats that image models accept. */
const SIGNATURES: Array<[beginning: string, mediaType: string]> = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['UklGR', 'image/webp'],
];

/** The content of a document of the kind image, as base64 or a data URL. Undefined if it is neither. */
export function readImage(content: string | undefined): Image | undefined {
  if (content === undefined) return undefined;
  const data = content.slice(/^data:[^,]{0,100};base64,/.exec(content)?.[0].length ?? 0).trim();
  const mediaType = SIGNATURES.find(([beginning]) => data.startsWith(beginning))?.[1];
  return mediaType === undefined ? undefined : { mediaType, data };
}
