import { buildMessage, ValidateBy } from 'class-validator';

/** The API identifies a version by its `createdAt` everywhere. */
export const VERSION_EXAMPLE = '2026-11-23T08:15:30.123Z';

const ISO_8601 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)$/;

/** The time of a version, in ISO 8601 with a zone and at most milliseconds. */
export const IsVersion = () =>
  ValidateBy({
    name: 'isVersion',
    validator: {
      validate: isVersion,
      defaultMessage: buildMessage(
        (each) => `${each}$property must be the createdAt of a version, like ${VERSION_EXAMPLE}`,
      ),
    },
  });

/** Days that a month does not have are refused. `Date` would read them as days of the next month. */
export function isVersion(value: unknown): boolean {
  const local = typeof value === 'string' ? ISO_8601.exec(value)?.[1] : undefined;
  if (local === undefined || Number.isNaN(Date.parse(value as string))) return false;
  const time = Date.parse(`${local}Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(local);
}
