/** A picture with its type. */
export interface Image {
  mediaType: string;
  /** Base64. */
  data: string;
}

/** How the formats begin, in base64: those that image models take. */
const SIGNATURES: Array<[beginning: string, mediaType: string]> = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['UklGR', 'image/webp'],
];

/** What a document of the kind image has as its content, base64 or a data URL; undefined when it is none of these. */
export function readImage(content: string | undefined): Image | undefined {
  if (content === undefined) return undefined;
  const data = content.slice(/^data:[^,]{0,100};base64,/.exec(content)?.[0].length ?? 0).trim();
  const mediaType = SIGNATURES.find(([beginning]) => data.startsWith(beginning))?.[1];
  return mediaType === undefined ? undefined : { mediaType, data };
}
