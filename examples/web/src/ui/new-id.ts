import { v4 } from 'uuid';

/** `crypto.randomUUID` is missing on pages that are not served over HTTPS. */
export const newId = (): string => v4();
