import type { ImageModelV4, LanguageModelV4 } from '@ai-sdk/provider';
import { Inject, Injectable } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { UploadedFiles } from './uploaded-files.js';
import { createUpstreamFetch } from './upstream-fetch.js';
import type { VendorClient } from './vendors/vendor.js';
import { type Provider, VENDORS } from './vendors/vendors.js';

/** Only configured models are created. There are far fewer, unless the configuration changes all the time. */
const MAX_SHARED_MODELS = 500;

/** Creates language models of all vendors, with the endpoint of the configuration. */
@Injectable()
export class LanguageModels {
  /** Clients with the server's own keys. Clients with a user's key are created for one request and not kept. */
  private readonly shared = new Map<Provider, VendorClient>();
  /** Models with the server's own keys, by client. They hold no state of a call. */
  private readonly sharedModels = new Map<string, LanguageModelV4>();

  private readonly uploaded = new UploadedFiles();

  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig<Provider>) {}

  /** @param userKey wins over the server's own key */
  create(provider: Provider, modelId: string, userKey?: string): LanguageModelV4 {
    if (userKey !== undefined) return this.createNew(provider, modelId, userKey);
    const id = `${provider}/${modelId}`;
    const known = this.sharedModels.get(id);
    if (known) return known;
    const model = this.createNew(provider, modelId);
    if (this.sharedModels.size < MAX_SHARED_MODELS) this.sharedModels.set(id, model);
    return model;
  }

  private createNew(provider: Provider, modelId: string, userKey?: string): LanguageModelV4 {
    const client = this.clientFor(provider, userKey);
    const model = client.language(modelId);
    const { files: rules } = VENDORS[provider];
    const files = rules.uploads && client.files?.();
    if (!rules.uploads || !files) return model;
    const apiKey = userKey ?? this.config.providers[provider].apiKey ?? '';
    return this.uploaded.uploading(model, { files, rules, uploads: rules.uploads, apiKey });
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
    const vendor = VENDORS[provider];
    return vendor.connect({
      apiKey,
      fetch: createUpstreamFetch(vendor.streamEnd),
      ...(baseUrl ? { baseURL: baseUrl } : {}),
      ...(api ? { api } : {}),
    });
  }
}
