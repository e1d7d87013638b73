import { readFileSync } from 'node:fs';
import { PROVIDERS, VENDORS } from './vendors.js';

describe('the records of the vendors', () => {
  const vendors = PROVIDERS.map((provider) => VENDORS[provider]);
  const example = readFileSync('.env.example', 'utf8');

  it.each(vendors)('are consistent: $id', ({ id, keyHeader, variables, apisWithTools = [], ...vendor }) => {
    expect(id).toMatch(/^[a-z][a-z0-9]*$/);
    expect(keyHeader).toMatch(/^x-[a-z0-9-]+$/);
    const offered = vendor.models.map((model) => model.id);
    const client = vendor.connect({ apiKey: 'key', fetch });
    expect(client.files !== undefined).toBe(vendor.files.uploads !== undefined);
    expect(offered).toContain(vendor.defaultModel);
    expect(offered).toContain(vendor.titleModel);
    expect(new Set(offered).size).toBe(offered.length);
    for (const api of apisWithTools) expect(variables.api?.values).toContain(api);
    // `.env.example` is written by hand.
    for (const name of [variables.apiKey, variables.baseUrl, variables.api?.name ?? []].flat())
      expect(example).toMatch(new RegExp(`^# ${name}=`, 'm'));
    expect(example).toContain(keyHeader);
  });

  it('share no id, header or variable', () => {
    const names = vendors.flatMap(({ id, keyHeader, variables: { apiKey, baseUrl, api } }) => [
      id,
      keyHeader,
      apiKey,
      baseUrl,
      ...(api ? [api.name] : []),
    ]);
    expect(new Set(names).size).toBe(names.length);
  });
});
