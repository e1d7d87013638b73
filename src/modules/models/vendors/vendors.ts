import type { Vendor } from './vendor.js';
import { VENDOR_LIST } from './vendor-list.js';

type AnyVendor = (typeof VENDOR_LIST)[number];

/** A model vendor that is reached over the network. */
export type Provider = AnyVendor['id'];

/** The provider of a call: a vendor, or this server's demo model. */
export type ModelProvider = Provider | 'demo';

/** The vendors that have image models. */
export type DrawingProvider = Extract<AnyVendor, { images: object }>['id'];

/** The name of a tool that runs on the side of a vendor. */
export type ProviderCapability = {
  [Id in Provider]: keyof Extract<AnyVendor, { id: Id }>['tools'];
}[Provider];

export const VENDORS = Object.fromEntries(
  VENDOR_LIST.map((vendor) => [vendor.id, vendor]),
) as unknown as Readonly<Record<Provider, Vendor>>;

export const PROVIDERS = VENDOR_LIST.map(({ id }) => id) as unknown as readonly [Provider, ...Provider[]];

export const DRAWING_PROVIDERS = PROVIDERS.filter(
  (provider): provider is DrawingProvider => VENDORS[provider].images !== undefined,
);

/** The headers in which users send their own keys. */
export const KEY_HEADERS: readonly string[] = PROVIDERS.map((provider) => VENDORS[provider].keyHeader);

/** The vendor of a model with the name `provider/model`. */
export function providerOf(modelId: string): Provider | undefined {
  return PROVIDERS.find((provider) => modelId.startsWith(`${provider}/`));
}

/** The name of a provider in texts, and the header for its users' keys. The demo model has no header. */
export function addressOf(provider: ModelProvider): { name: string; keyHeader?: string } {
  return provider === 'demo' ? { name: 'The demo model' } : VENDORS[provider];
}
