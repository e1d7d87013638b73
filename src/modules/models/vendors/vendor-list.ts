import { anthropic } from './anthropic.js';
import { google } from './google.js';
import { openai } from './openai.js';
import type { Vendor } from './vendor.js';

/** All model vendors, the preferred one first. Add a vendor here: `vendors.ts` derives every other list from this one. */
export const VENDOR_LIST = [google, openai, anthropic] as const satisfies readonly Vendor[];
