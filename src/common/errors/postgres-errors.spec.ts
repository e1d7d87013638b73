import { isDatabaseAway, isPassing, mapPostgresError } from './postgres-errors.js';

const withCode = (code: string) => Object.assign(new Error('from PostgreSQL'), { code });

describe('an error of PostgreSQL', () => {
  it.each([
    ['25P03', 'a transaction that was idle for longer than the operator allows'],
    ['25P04', 'a transaction that ran for longer than the operator allows'],
    ['28P01', 'a password that the operator has changed'],
    ['28000', 'an address that may not connect any more'],
    ['3D000', 'a database that is being renamed'],
    ['57P04', 'a database that was dropped'],
    ['57P05', 'a session that was idle for longer than the operator allows'],
    ['53000', 'a lack of resources'],
    ['58P01', 'a file that could not be read'],
    ['08006', 'a lost connection'],
  ])('%s (%s) is temporary', (code) => {
    expect(isDatabaseAway(withCode(code))).toBe(true);
    expect(isPassing(withCode(code))).toBe(true);
    expect(mapPostgresError(withCode(code))).toMatchObject({ status: 503 });
  });

  it('without a code of its own is temporary if no connection is accepted', () => {
    const error = Object.assign(new Error('database "postgres" is not currently accepting connections'), {
      code: '55000',
    });
    expect(mapPostgresError(error)).toMatchObject({ status: 503 });
  });

  it.each(['53100', '55P03', '57014', '40P01', '40001'])('%s passes although PostgreSQL is there', (code) => {
    expect(isDatabaseAway(withCode(code))).toBe(false);
    expect(isPassing(withCode(code))).toBe(true);
    expect(mapPostgresError(withCode(code))).toMatchObject({ status: 503 });
  });

  it.each(['23514', '22P02', '42703', '42501', 'XX000', '55000'])('%s does not pass', (code) => {
    expect(isPassing(withCode(code))).toBe(false);
  });
});
