import { Global, Module } from '@nestjs/common';
import { InstanceMessages } from './instance-messages.js';
import { RedisReader } from './redis-reader.js';
import { Redis } from './redis.js';

@Global()
@Module({
  providers: [InstanceMessages, Redis, RedisReader],
  exports: [InstanceMessages, Redis, RedisReader],
})
export class RedisModule {}
