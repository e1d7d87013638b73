import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import type { ImageModelV4, LanguageModelV4 } from '@ai-sdk/provider';
import { Inject, Injectable } from '@nestjs/common';
import { upstreamFetch } from './upstream-fetch.js';
import { APP_CONFIG, type AppConfig, type Provider } from '../../config/app-config.js';

/** What is used of a vendor's client. */
interface VendorClient {
  language(modelId: string): LanguageModelV4;
  /** Undefined where the vendor has no image models. */
  image?(modelId: string): ImageModelV4;
}

/** Makes language models of the three vendors, with the endpoint of the configuration. */
@Injectable()
export class LanguageModels {
  /** Clients with the server's own keys; those with a user's key are made for one request and forgotten. */
  private readonly shared = new Map<Provider, VendorClient>();

  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig) {}

  /** @param userKey wins over the server's own key */
  create(provider: Provider, modelId: string, userKey?: string): LanguageModelV4 {
    return this.clientFor(provider, userKey).language(modelId);
  }

  /** Undefined where the vendor has no image models. */
  createImage(provider: Provider, modelId: string, userKey?: string): ImageModelV4 | undefined {
    return this.clientFor(provider, userKey).image?.(modelId);
  }

  private clientFor(provider: Provider, userKey?: string): VendorClient {
    if (userKey !== undefined) return this.client(provider, userKey);
    let client = this.shared.get(provider);
    if (!client) {
      client = this.client(provider, this.config.providers[provider].apiKey ?? '');
      this.shared.set(provider, client);
    }
    return client;
  }

  private client(provider: Provider, apiKey: string): VendorClient {
    const { baseUrl } = this.config.providers[provider];
    const settings = { apiKey, fetch: upstreamFetch, ...(baseUrl ? { baseURL: baseUrl } : {}) };
    switch (provider) {
      case 'google': {
        const google = createGoogleGenerativeAI(settings);
        return { language: (id) => google(id), image: (id) => google.image(id) };
      }
      case 'openai': {
        const openai = createOpenAI(settings);
        return {
          language: (id) => (this.config.openaiApi === 'chat' ? openai.chat(id) : openai.responses(id)),
          image: (id) => openai.image(id),
        };
      }
      case 'anthropic': {
        const anthropic = createAnthropic(settings);
        return { language: (id) => anthropic(id) };
      }
    }
  }
}
