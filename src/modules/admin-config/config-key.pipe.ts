import type { PipeTransform } from '@nestjs/common';
import { notFound } from '../../common/errors/app-error.js';
import { CONFIG_KEYS, type ConfigKey } from './config-schemas.js';

/** `:key` of a route. An unknown key returns 404. */
export class ConfigKeyPipe implements PipeTransform<string, ConfigKey> {
  transform(value: string): ConfigKey {
    const key = CONFIG_KEYS.find((candidate) => candidate === value);
    if (key === undefined) throw notFound('This configuration');
    return key;
  }
}
