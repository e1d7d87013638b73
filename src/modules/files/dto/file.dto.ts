import { ApiProperty } from '@nestjs/swagger';

const PATH = '5a1d7f5e-7b5c-4f5e-9d0e-0f2b7c1d3e4f/9b0f7c1e-2a3b-4c5d-8e6f-7a8b9c0d1e2f/report.pdf';

export class UploadDto {
  @ApiProperty({
    example: PATH,
    description:
      'The path in your own folder of the bucket `attachments`. Send it as the `url` of a `file` part.',
  })
  path: string;

  @ApiProperty({
    format: 'uri',
    example: `https://project.supabase.co/storage/v1/object/upload/sign/attachments/${PATH}?token=eyJ`,
    description: '`PUT` the file here, with its `Content-Type`. No other header is needed.',
  })
  uploadUrl: string;

  @ApiProperty({
    example: 'eyJ',
    description: "For `supabase.storage.from('attachments').uploadToSignedUrl(path, token, file)`.",
  })
  token: string;

  @ApiProperty({ format: 'date-time', example: '2026-11-24T10:15:31.000Z' })
  expiresAt: string;
}

export class FileDto {
  @ApiProperty({ example: PATH })
  path: string;

  @ApiProperty({ example: 'report.pdf', description: 'The last part of the path.' })
  filename: string;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'application/pdf',
    description: 'The type at upload.',
  })
  contentType: string | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 182044, description: 'The size in bytes.' })
  size: number | null;

  @ApiProperty({ format: 'date-time', example: '2026-11-24T08:15:31.456Z' })
  createdAt: string;
}

export class FilePageDto {
  @ApiProperty({ type: [FileDto] })
  items: FileDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'MjAyNi0xMS0yM1QwODoxNTozMS40NTZafDBmNmMxYzll',
    description: 'The `cursor` of the next page; null on the last one.',
  })
  nextCursor: string | null;
}

export class FileUrlDto {
  @ApiProperty({
    format: 'uri',
    example: `https://project.supabase.co/storage/v1/object/sign/attachments/${PATH}?token=eyJ`,
    description: 'Anyone with this URL can read the file until the URL expires.',
  })
  url: string;

  @ApiProperty({ format: 'date-time', example: '2026-11-24T09:15:31.000Z' })
  expiresAt: string;
}
