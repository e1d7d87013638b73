import { z } from 'zod';
import { PROVIDERS } from '../models/vendors/vendors.js';
import { date, pricingSchema } from './pricing-schema.js';
import { positive, refuseDuplicates } from './schema-parts.js';

const catalogModelSchema = z.strictObject({
  id: z
    .string()
    .max(200)
    .regex(/^\S*[^\s/]$/, 'must be the id of a model')
    .describe("The vendor's own id, slashes and all."),
  provider: z.enum(PROVIDERS),
  name: z.string().max(200).regex(/\S/, 'must not be empty'),
  contextWindow: positive.optional(),
  maxOutputTokens: positive.optional(),
  capabilities: z
    .strictObject({
      reasoning: z.boolean().optional(),
      fileInput: z.boolean().optional(),
      tools: z.boolean().optional(),
      imageOutput: z.boolean().optional(),
    })
    .default({})
    .transform((capabilities) => capabilities as Record<string, boolean>),
  pricing: pricingSchema,
  retiresAt: date.optional().describe('The day on which the vendor switches or has switched the model off.'),
  replacement: z
    .string()
    .max(200)
    .regex(/^\S*[^\s/]$/, 'must be the id of a model')
    .optional()
    .describe('The replacement that the vendor recommends.'),
});
/** What is known of one model: its name, abilities and list price. */
export type CatalogModel = z.output<typeof catalogModelSchema>;

export const modelCatalogSchema = z.strictObject({
  models: z
    .array(catalogModelSchema)
    .min(1)
    .max(1_000)
    .superRefine((models, context) => refuseDuplicates(models, ['provider', 'id'], context))
    .meta({ 'x-unique-by': ['provider', 'id'] }),
});
export type ModelCatalog = z.output<typeof modelCatalogSchema>;
