import { applyDecorators } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';

/** Documents the download of calls. */
export const ApiUsageExport = () =>
  applyDecorators(
    ApiOkResponse({
      description:
        'The download, as a stream. CSV follows RFC 4180 and has a header row. Text that a spreadsheet would run as a formula ' +
        'starts with an apostrophe.',
      headers: {
        'Content-Disposition': {
          description: '`attachment`, with a file name.',
          schema: { type: 'string' },
        },
      },
      content: {
        'text/csv': {
          schema: { type: 'string' },
          example:
            'id,userId,chatId,agentType,modelUsed,provider,inputTokens,outputTokens,totalTokens,inputCost,outputCost,totalCost,requestTimestamp,responseTimestamp,durationMs,status,ownKey,metadata\r\n' +
            '5c1a4f7e-2d0b-4f7f-9a3e-0e7a6a3f1c22,9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10,,chat,gemini-3.8-flash,google,1204,286,1490,0.000361,0.000715,0.001076,2026-03-28T08:15:30.123Z,2026-03-28T08:15:33.456Z,3333,success,false,"{""purpose"":""answer""}"\r\n',
        },
        'application/x-ndjson': {
          schema: { type: 'string' },
          example:
            '{"id":"5c1a4f7e-2d0b-4f7f-9a3e-0e7a6a3f1c22","userId":"9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10","chatId":null,"agentType":"chat","modelUsed":"gemini-3.8-flash","provider":"google","inputTokens":1204,"outputTokens":286,"totalTokens":1490,"inputCost":0.000361,"outputCost":0.000715,"totalCost":0.001076,"requestTimestamp":"2026-03-28T08:15:30.123Z","responseTimestamp":"2026-03-28T08:15:33.456Z","durationMs":3333,"status":"success","ownKey":false,"metadata":{"purpose":"answer"}}\n',
        },
      },
    }),
  );
