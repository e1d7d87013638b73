import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { invalidField, payloadTooLarge, unsupportedMediaType } from '../../common/errors/app-error.js';
import { AcceptBody } from '../../common/http/request-content.guard.js';
import { FilesService } from '../files/files.service.js';

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
 * The old chatbot's upload of a picture. The frontend shows the URL that it returns, and sends it with the message. It is a
 * signed URL of the stored file. Without storage, it is a data URL that contains the picture.
 */
@ApiExcludeController()
@Controller('api/files/upload')
export class LegacyFilesController {
  constructor(private readonly files: FilesService) {}

  @Post()
  @HttpCode(200)
  @AcceptBody({ unread: true })
  async upload(@CurrentUser() user: Identity, @Req() request: FastifyRequest): Promise<UploadedFile> {
    const file = await readFile(request);
    if (file.size > MAX_FILE) throw payloadTooLarge();
    if (!TYPES.includes(file.type)) throw invalidField('file', 'File type should be JPEG or PNG');
    const bytes = Buffer.from(await file.arrayBuffer());
    const pathname = file.name.replaceAll(/[^\w.-]/g, '_').slice(-100) || 'file';
    const url = (await this.files.isAvailable())
      ? (await this.files.store(user, { filename: pathname, contentType: file.type, bytes })).url
      : `data:${file.type};base64,${bytes.toString('base64')}`;
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
