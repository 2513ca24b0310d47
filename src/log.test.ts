import { describe, expect, test } from 'vitest';
import { createLogger, createScrubber, type RootLog } from './log.ts';

function logger(secrets: readonly string[] = []): { log: RootLog; lines: string[] } {
  const lines: string[] = [];
  const log = createLogger({ level: 'debug', secrets, destination: { write: (line) => lines.push(line) } });
  return { log, lines };
}

const parsed = (lines: readonly string[]): Record<string, unknown>[] =>
  lines.map((line) => JSON.parse(line) as Record<string, unknown>);

describe('a line', () => {
  test('is one JSON object with a time, a level in words and the fields', () => {
    const { log, lines } = logger();

    log.info({ connection: 'acme' }, 'poll done');

    expect(parsed(lines)).toMatchObject([
      { level: 'info', connection: 'acme', msg: 'poll done', time: expect.stringMatching(/Z$/) },
    ]);
  });

  test('stays one line whatever the text holds (input 112)', () => {
    const { log, lines } = logger();

    log.info({ title: 'a\n{"level":60}\r\n\u2028b' }, 'forged\n{"level":60}');

    expect(lines).toHaveLength(1);
    expect(lines[0]?.trimEnd()).not.toMatch(/[\r\n]/);
  });

  test('shows errors with stack and cause under any name', () => {
    const { log, lines } = logger();
    const error = new Error('outer', { cause: new TypeError('inner') });

    log.error({ err: error, lastError: error }, 'failed');

    expect(parsed(lines)[0]).toMatchObject({
      err: { type: 'Error', message: 'outer', cause: { type: 'TypeError', message: 'inner' } },
      lastError: { message: 'outer', stack: expect.stringContaining('log.test.ts') },
    });
  });

  test('survives circles and is not written below the level', () => {
    const { log, lines } = logger();
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;

    log.child({ rule: 'r1' }).warn({ circle }, 'round');

    expect(parsed(lines)[0]).toMatchObject({ rule: 'r1', msg: 'round' });
    createLogger({ level: 'warn', secrets: [], destination: { write: (line) => lines.push(line) } }).info(
      {},
      'quiet',
    );
    expect(lines).toHaveLength(1);
  });
});

describe('a configured secret', () => {
  const SECRET = 's3cr3t"with\\odd/chars';

  test.each([
    ['deep in an object', { a: { b: [{ c: `x ${SECRET} y` }] } }],
    ['in an error’s message and stack', { err: new Error(`refused ${SECRET}`) }],
    ['in the cause of an error', { err: new Error('outer', { cause: new Error(SECRET) }) }],
    ['in a URL', { url: `https://desk.test/${encodeURIComponent(SECRET)}/x` }],
    ['as a key', { [SECRET]: 1 }],
  ])('%s is taken out', (_, fields) => {
    const { log, lines } = logger([SECRET]);

    log.error(fields, `about ${SECRET}`);

    expect(lines[0]).not.toContain('odd');
    expect(parsed(lines)[0]).toMatchObject({ msg: 'about [secret]' });
  });

  test('that begins with another one goes whole', () => {
    expect(createScrubber(['abcd', 'abcdefgh'])('"abcdefgh"')).toBe('"[secret]"');
  });

  test('of three letters is left: it would take words apart', () => {
    expect(createScrubber(['api'])('"api call"')).toBe('"api call"');
  });
});

describe('what looks like a secret', () => {
  test.each([
    ['Authorization: Bearer eyJhbGci.x-y_z', 'Authorization: Bearer [secret]'],
    ['Basic YXBpOmh1bnRlcjI=', 'Basic [secret]'],
    ['Token token="k-1234567"', 'Token token="[secret]"'],
    ['sent xoxb-12-34-abc and xapp-1-A', 'sent [secret] and [secret]'],
    ['signed with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'signed with [secret]'],
    ['password=hunter2&x=1', 'password=[secret]&x=1'],
    ['client_secret=abc, ok', 'client_secret=[secret], ok'],
    ['GET https://desk.test/api/x?key=1&b=2 failed', 'GET https://desk.test/api/x?[query] failed'],
    ['postgresql://deskhand:pw@127.0.0.1:5432/deskhand', 'postgresql://[secret]@127.0.0.1:5432/deskhand'],
    ['POST /hooks/acme/s3cret 401', 'POST /hooks/acme/[secret] 401'],
    ['https://hooks.slack.com/services/T/B/x', 'https://hooks.slack.com/[secret]'],
  ])('%s', (text, wanted) => {
    const { log, lines } = logger();

    log.info({ deep: { text } }, text);

    expect(parsed(lines)[0]).toMatchObject({ deep: { text: wanted }, msg: wanted });
  });

  test('is recognised by the name of its field', () => {
    const { log, lines } = logger();

    log.info({ headers: { authorization: 'x "y" z' }, bot_token: 'abc', secret: '\\"' }, 'sent');

    expect(parsed(lines)[0]).toMatchObject({
      headers: { authorization: '[secret]' },
      bot_token: '[secret]',
      secret: '[secret]',
    });
  });

  test.each([
    'key updated:1042:7 of acme-jitbit was seen',
    'Basic questions about tokens',
    'https://desk.test/Ticket/1042',
    '{"key":"updated:1042:7","tokens":3}',
    '/hooks/acme-jitbit 202',
  ])('does not mean ordinary text: %s', (text) => {
    expect(createScrubber([])(text)).toBe(text);
  });

  test('is found in linear time', () => {
    const begun = performance.now();

    for (const piece of [
      '"token":"\\',
      'password=',
      'https://a?',
      'a://',
      '/hooks/a/',
      'Bearer ',
      'a_',
      'a-token',
    ]) {
      createScrubber([])(piece.repeat(20_000));
    }

    expect(performance.now() - begun).toBeLessThan(3000);
  });
});
