import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { PageQuery } from '../../../common/http/paging.js';

export const ORDERS = ['asc', 'desc'] as const;
export type Order = (typeof ORDERS)[number];

export class ListMessagesQuery extends PageQuery {
  @ApiPropertyOptional({
    enum: ORDERS,
    default: 'asc',
    description:
      '`asc`: oldest first. `desc`: newest first, to open a long chat at its end. Reverse such a page before you show it. A ' +
      '`cursor` belongs to the order that it came from.',
  })
  @IsOptional()
  @IsIn(ORDERS)
  order: Order = 'asc';
}
