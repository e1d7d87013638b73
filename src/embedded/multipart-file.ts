import { type Readable } from 'node:stream';
import { Busboy, type BusboyHeaders } from '@fastify/busboy';
import { BodyError } from './request-body.js';

/** The file of a form, with its form fields. */
export interface MultipartFile {
  body: Readable;
  contentType: string;
  cacheControl?: string;
}

/** Supabase's clients send a few short fields before the file. */
const LIMITS = { fields: 8, fieldSize: 64 * 1024, files: 1, parts: 9, headerPairs: 32 };

/**
 * Reads a form up to its file, which is streamed. Supabase's clients send the fields before the file.
 *
 * @throws BodyError if there is no file
 */
export function readMultipart(source: Readable, contentType: string): Promise<MultipartFile> {
  return new Promise((resolve, reject) => {
    const noFile = () => reject(new BodyError(400, 'Missing file in multipart upload'));
    let form: ReturnType<typeof open>;
    try {
      form = open(contentType);
    } catch {
      noFile();
      return;
    }
    let file: Readable | undefined;
    let cacheControl: string | undefined;
    const fail = (error: Error) => {
      file?.destroy(error);
      reject(error);
    };
    form.on('field', (name, value) => {
      if (name === 'cacheControl') cacheControl = `max-age=${value}`;
    });
    form.on('file', (_name, stream, _filename, _encoding, type) => {
      file = stream;
      stream.on('error', () => undefined);
      resolve({ body: stream, contentType: type, ...(cacheControl === undefined ? {} : { cacheControl }) });
    });
    form.on('finish', noFile);
    form.on('error', () => fail(new BodyError(400, 'The multipart form is malformed')));
    source.on('error', fail);
    source.pipe(form);
  });
}

function open(contentType: string) {
  const headers: BusboyHeaders = { 'content-type': contentType };
  return new Busboy({
    headers,
    limits: LIMITS,
  });
}
