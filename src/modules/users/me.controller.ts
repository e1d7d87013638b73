import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { serializableOr } from '../../common/http/safe-json.js';
import { MeDto } from './dto/me.dto.js';

@ApiTags('Account')
@ApiBearerAuth()
@ApiProblems()
@Controller('api/me')
export class MeController {
  @Get()
  @ApiOperation({ summary: 'Get the current user' })
  @ApiOkResponse({ type: MeDto })
  read(@CurrentUser() { id, email, role, settings }: Identity): MeDto {
    return { id, email, role, isActive: true, settings: serializableOr(settings, {}) };
  }
}
