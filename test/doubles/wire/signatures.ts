/*
 * What the services sign or encrypt, and want back as it was.
 */

/** Anthropic signs thoughts. */
export const THINKING_SIGNATURE = 'EqQBCgIYAhIkZG91YmxlLXRoaW5raW5nLXNpZ25hdHVyZQ==';

/** OpenAI gives out its thoughts in encrypted form. */
export const ENCRYPTED_CONTENT = 'gAAAAABdouble==';
