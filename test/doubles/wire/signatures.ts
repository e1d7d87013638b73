/* What the services sign or encrypt, and require back unchanged. */

/** Anthropic signs reasoning. */
export const THINKING_SIGNATURE = 'EqQBCgIYAhIkZG91YmxlLXRoaW5raW5nLXNpZ25hdHVyZQ==';

/** OpenAI returns its reasoning in encrypted form. */
export const ENCRYPTED_CONTENT = 'gAAAAABdouble==';
