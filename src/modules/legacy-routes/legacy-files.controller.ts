import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { invalidField, payloadTooLarge, unsupportedMediaType } from '../../common/errors/app-error.js';
import { AcceptBody } from '../../common/http/request-content.guard.js';

const MAX_FILE = 5 * 1024 ** 2;
/** Space for the boundaries and headers around the file. */
const MAX_BODY = MAX_FILE + 64 * 1024;
const TYPES = ['image/jpeg', 'image/png'];

/** How the old chatbot's file store describes a file. */
interface UploadedFile {
  url: string;
  downloadUrl: string;
  pathname: string;
  contentType: string;
  contentDisposition: string;
}

/**
 * The old chatbot's upload of a picture. It returns the picture itself as a data URL. The frontend shows this URL and
 * sends it with the message.
 */
@ApiExcludeController()
@Controller('api/files/upload')
export class LegacyFilesController {
  @Post()
  @HttpCode(200)
  @AcceptBody({ unread: true })
  async upload(@Req() request: FastifyRequest): Promise<UploadedFile> {
    const file = await readFile(request);
    if (file.size > MAX_FILE) throw payloadTooLarge();
    if (!TYPES.includes(file.type)) throw invalidField('file', 'File type should be JPEG or PNG');
    const url = `data:${file.type};base64,${Buffer.from(await file.arrayBuffer()).toString('base64')}`;
    const pathname = file.name.replaceAll(/[^\w.-]/g, '_').slice(-100) || 'file';
    return {
      url,
      downloadUrl: url,
      pathname,
      contentType: file.type,
      contentDisposition: `inline; filename="${pathname}"`,
    };
  }
}

async function readFile({ raw, headers }: FastifyRequest): Promise<File> {
  const type = headers['content-type'] ?? '';
  if (!type.startsWith('multipart/form-data')) throw unsupportedMediaType();
  if (Number(headers['content-length']) > MAX_BODY) throw payloadTooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of raw as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY) throw payloadTooLarge();
    chunks.push(chunk);
  }
  const form = await new Response(Buffer.concat(chunks), { headers: { 'content-type': type } })
    .formData()
    .catch(() => undefined);
  const file = form?.get('file');
  if (!(file instanceof File)) throw invalidField('file', 'No file uploaded');
  return file;
}
