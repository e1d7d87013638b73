import type { ImageModelV4, LanguageModelV4 } from '@ai-sdk/provider';
import { Inject, Injectable } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { upstreamFetch } from './upstream-fetch.js';
import type { VendorClient } from './vendors/vendor.js';
import { type Provider, VENDORS } from './vendors/vendors.js';

/** Creates language models of all vendors, with the endpoint of the configuration. */
@Injectable()
export class LanguageModels {
  /** Clients with the server's own keys. Clients with a user's key are created for one request and not kept. */
  private readonly shared = new Map<Provider, VendorClient>();

  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig<Provider>) {}

  /** @param userKey wins over the server's own key */
  create(provider: Provider, modelId: string, userKey?: string): LanguageModelV4 {
    return this.clientFor(provider, userKey).language(modelId);
  }

  /** Undefined if the vendor has no image models. */
  createImage(provider: Provider, modelId: string, userKey?: string): ImageModelV4 | undefined {
    return this.clientFor(provider, userKey).image?.(modelId);
  }

  private clientFor(provider: Provider, userKey?: string): VendorClient {
    if (userKey !== undefined) return this.connect(provider, userKey);
    let client = this.shared.get(provider);
    if (!client) {
      client = this.connect(provider, this.config.providers[provider].apiKey ?? '');
      this.shared.set(provider, client);
    }
    return client;
  }

  private connect(provider: Provider, apiKey: string): VendorClient {
    const { baseUrl, api } = this.config.providers[provider];
    return VENDORS[provider].connect({
      apiKey,
      fetch: upstreamFetch,
      ...(baseUrl ? { baseURL: baseUrl } : {}),
      ...(api ? { api } : {}),
    });
  }
}
