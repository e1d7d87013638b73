import type { Vendor } from './vendor.js';
import { VENDOR_LIST } from './vendor-list.js';

type AnyVendor = (typeof VENDOR_LIST)[number];

/** A model vendor that is reached over the network. */
export type Provider = AnyVendor['id'];

/** What answers a call: a vendor, or the demo model of this server. */
export type ModelProvider = Provider | 'demo';

/** The vendors that have image models. */
export type DrawingProvider = Extract<AnyVendor, { images: object }>['id'];

/** The name of a tool that some vendor runs on its own side. */
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

/** The headers in which users send keys of their own. */
export const KEY_HEADERS: readonly string[] = PROVIDERS.map((provider) => VENDORS[provider].keyHeader);

/** The vendor of a model that is named `provider/model`. */
export function providerOf(modelId: string): Provider | undefined {
  return PROVIDERS.find((provider) => modelId.startsWith(`${provider}/`));
}

/** How texts call a provider, and the header in which its users' keys travel; the demo model takes none. */
export function addressOf(provider: ModelProvider): { name: string; keyHeader?: string } {
  return provider === 'demo' ? { name: 'The demo model' } : VENDORS[provider];
}
