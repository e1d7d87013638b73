import type { ImageModelV4, LanguageModelV4 } from '@ai-sdk/provider';
import { Inject, Injectable } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { UploadedFiles } from './uploaded-files.js';
import { upstreamFetch } from './upstream-fetch.js';
import type { VendorClient } from './vendors/vendor.js';
import { type Provider, VENDORS } from './vendors/vendors.js';

/** Makes language models of all vendors, with the endpoint of the configuration. */
@Injectable()
export class LanguageModels {
  /** Clients with the server's own keys; those with a user's key are made for one request and forgotten. */
  private readonly shared = new Map<Provider, VendorClient>();

  private readonly uploaded = new UploadedFiles();

  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig<Provider>) {}

  /** @param userKey wins over the server's own key */
  create(provider: Provider, modelId: string, userKey?: string): LanguageModelV4 {
    const client = this.clientFor(provider, userKey);
    const model = client.language(modelId);
    const { files: rules } = VENDORS[provider];
    const files = rules.uploads && client.files?.();
    if (!rules.uploads || !files) return model;
    const apiKey = userKey ?? this.config.providers[provider].apiKey ?? '';
    return this.uploaded.uploading(model, { files, rules, uploads: rules.uploads, apiKey });
  }

  /** Undefined where the vendor has no image models. */
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
