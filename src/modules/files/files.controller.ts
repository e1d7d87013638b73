import { Body, Controller, Delete, Get, HttpCode, Post, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { type Page, PageQuery } from '../../common/http/paging.js';
import { CreateFileDto } from './dto/create-file.dto.js';
import { FilePathQuery } from './dto/file-path.query.js';
import { type FileDto, FilePageDto, FileUrlDto, UploadDto } from './dto/file.dto.js';
import { FilesService } from './files.service.js';

@ApiTags('Files')
@ApiBearerAuth()
@Controller('api/files')
export class FilesController {
  constructor(private readonly files: FilesService) {}

  @Post()
  @ApiOperation({
    summary: 'Start the upload of a file',
    description:
      'Returns a Supabase Storage signed upload. Upload the file to `uploadUrl`, then send its `path` as the `url` of a `file` part ' +
      'in `POST /api/chat`. A file that no message uses is deleted after a day. Returns 413 if the file is too large, 415 if ' +
      'its type cannot be uploaded, and 404 if the server has no storage.',
  })
  @ApiCreatedResponse({ type: UploadDto })
  @ApiProblems(400, 404, 413, 415, 502, 504)
  create(@CurrentUser() user: Identity, @Body() command: CreateFileDto): Promise<UploadDto> {
    return this.files.createUpload(user, command);
  }

  @Get()
  @ApiOperation({ summary: 'List your files, newest first' })
  @ApiOkResponse({ type: FilePageDto })
  @ApiProblems(400, 404)
  list(@CurrentUser() user: Identity, @Query() page: PageQuery): Promise<Page<FileDto>> {
    return this.files.list(user, page);
  }

  @Get('url')
  @ApiOperation({ summary: 'Get a signed URL that can read your file for an hour' })
  @ApiOkResponse({ type: FileUrlDto })
  @ApiProblems(400, 404, 502, 504)
  url(@CurrentUser() user: Identity, @Query() { path }: FilePathQuery): Promise<FileUrlDto> {
    return this.files.url(user, path);
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete your file',
    description: 'Messages that name the file stay. The model learns that the file was deleted.',
  })
  @ApiNoContentResponse({ description: 'The file was deleted.' })
  @ApiProblems(400, 404, 502, 504)
  delete(@CurrentUser() user: Identity, @Query() { path }: FilePathQuery): Promise<void> {
    return this.files.delete(user, path);
  }
}
