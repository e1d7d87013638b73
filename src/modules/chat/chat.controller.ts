import { Body, Controller, Get, HttpCode, Param, Post, Req, Res, UseInterceptors } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { clientLeft } from '../../common/http/client-left.js';
import { ApiClientIdParam, toStoredId } from '../../common/http/client-id.js';
import { AcceptBody } from '../../common/http/request-content.guard.js';
import { MessageFiles } from '../files/message-files.js';
import { ApiGithubToken } from '../github/api-github-token.js';
import { ApiUserKeys } from '../models/api-user-keys.js';
import { userKeysOf } from '../models/user-keys.js';
import { TurnService } from '../turns/turn.service.js';
import { AccountingInterceptor } from '../accounting/accounting.interceptor.js';
import { sendStream } from './answer-stream.js';
import { ApiAnswerStream, ApiSendMessageBody } from './dto/send-message.docs.js';
import { StoppedDto } from './dto/stopped.dto.js';
import { isShowRequest, parseSendCommand } from './send-command.js';

@ApiTags('Chat')
@ApiBearerAuth()
@Controller('api/chat')
export class ChatController {
  constructor(
    private readonly turns: TurnService,
    private readonly files: MessageFiles,
  ) {}

  @Post()
  // Chat clients send the whole conversation each time. The server has it.
  @AcceptBody({
    large: true,
    items: 50_000,
    lastItem: { list: 'messages', key: 'role', values: ['user', 'assistant'] },
  })
  @UseInterceptors(AccountingInterceptor)
  @ApiOperation({
    summary: 'Send a message and stream the answer',
    description:
      'An unknown chat id creates the chat. An existing message id is an edit: the message is replaced, and all later ' +
      'messages are deleted. If the same message is sent again while its answer is streaming, the request attaches to that ' +
      'stream. Any other message meanwhile is refused with 409 `stream_in_progress`, unless nobody reads the running answer or ' +
      'the body says `interrupt: true`: the running answer is then stopped and kept, and the new message is answered. Closing the ' +
      'connection does not stop the answer: it is completed and stored, and its stream can be resumed.',
  })
  @ApiSendMessageBody()
  @ApiUserKeys()
  @ApiGithubToken({ required: false, use: 'the agent git_mcp' })
  @ApiAnswerStream({ admitted: true })
  @ApiProblems(400, 404, 409, 413, 415, 502, 504)
  async send(
    @CurrentUser() identity: Identity,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const command = parseSendCommand(body, identity.idNamespace);
    if (!isShowRequest(command) && command.action.type === 'submit') {
      const { message } = command.action;
      const { parts, sizes } = await this.files.receive(identity, message.parts);
      message.parts = parts;
      command.fileSizes = sizes;
    }
    const { stream, headers } = isShowRequest(command)
      ? await this.turns.show(identity, command.chatId, command.action, command.otherwise)
      : await this.turns.answer(identity, command, userKeysOf(request), clientLeft(reply));
    sendStream(stream, reply, { headers, hasBeginning: true });
  }

  @Get(':id/stream')
  @ApiOperation({
    summary: 'Resume the running answer: replays from the first chunk, then continues live',
    description:
      'An answer can be replayed for a minute after its end. It does not matter which instance of the server is generating it.',
  })
  @ApiClientIdParam('id', 'chat')
  @ApiAnswerStream()
  @ApiNoContentResponse({
    description: 'No answer is being generated in this chat, and none has ended within the last minute.',
  })
  @ApiProblems(400)
  async resume(
    @CurrentUser() identity: Identity,
    @Param('id') id: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const chatId = toStoredId(identity.idNamespace, id, 'id');
    const stream = await this.turns.findStream(identity, chatId, clientLeft(reply));
    if (stream) sendStream(stream, reply);
    else void reply.status(204).send();
  }

  @Post(':id/stop')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Stop the running answer. The text generated so far is stored, and its usage is counted',
  })
  @ApiClientIdParam('id', 'chat')
  @ApiOkResponse({ type: StoppedDto })
  @ApiProblems(400)
  async stop(@CurrentUser() identity: Identity, @Param('id') id: string): Promise<StoppedDto> {
    return { stopped: await this.turns.stop(identity.id, toStoredId(identity.idNamespace, id, 'id')) };
  }
}
