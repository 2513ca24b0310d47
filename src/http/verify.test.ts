import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { matchesBearer, verify, type VerifyScheme } from './verify.ts';

/** Numbers in the names are those of the hostile inputs that must be refused. */

const NOW = Date.parse('2026-11-23T12:00:00Z');
const KEY = Buffer.from('a secret of some length').toString('base64');
const BODY = '{"kind":"disk.full"}';

type Headers = Readonly<Record<string, string>>;

function check(
  scheme: VerifyScheme,
  headers: Headers,
  body: string | Buffer = BODY,
  urlSecret?: string,
): boolean {
  return verify(scheme, {
    bytes: Buffer.from(body),
    header: (name) => headers[name.toLowerCase()],
    urlSecret,
    now: NOW,
  });
}

function standard(key = KEY, at = NOW, body = BODY): Headers {
  return {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': new Webhook(key).sign('msg_1', new Date(at), body),
  };
}

const hex = (secret: string, body: string | Buffer = BODY, algorithm = 'sha256'): string =>
  createHmac(algorithm, secret).update(body).digest('hex');

describe('standard-webhooks', () => {
  const scheme: VerifyScheme = { scheme: 'standard-webhooks', secrets: [KEY] };
  const OTHER = Buffer.from('another secret').toString('base64');

  test('takes what the reference library signs', () => {
    expect(check(scheme, standard())).toBe(true);
    expect(check({ ...scheme, secrets: [`whsec_${KEY}`] }, standard())).toBe(true);
  });

  test.each<[string, Headers, string | Buffer]>([
    ['1: no signature', {}, BODY],
    ['2: the signature of another secret', standard(OTHER), BODY],
    ['3: one more space in the body', standard(), `${BODY} `],
    ['5: an empty signature', { ...standard(), 'webhook-signature': '' }, BODY],
    ['5: one character', { ...standard(), 'webhook-signature': 'v1,x' }, BODY],
    ['5: a version without a signature', { ...standard(), 'webhook-signature': 'v1,' }, BODY],
    ['6: 301 s old', standard(KEY, NOW - 301_000), BODY],
    ['7: 301 s ahead', standard(KEY, NOW + 301_000), BODY],
    ...['1e9', '123abc', '-1', 'NaN', '9'.repeat(400), ''].map((stamp): [string, Headers, string] => [
      `8: the time stamp ${stamp.slice(0, 10)}`,
      { ...standard(), 'webhook-timestamp': stamp },
      BODY,
    ]),
    [
      '11: seventeen signatures, the last one right',
      { ...standard(), 'webhook-signature': `${'v1,x '.repeat(16)}${standard()['webhook-signature']}` },
      BODY,
    ],
    [
      '11: a signature header of 100 kB',
      { ...standard(), 'webhook-signature': `v1,${'a'.repeat(100_000)}` },
      BODY,
    ],
    ['no id', { ...standard(), 'webhook-id': '' }, BODY],
    ['another id', { ...standard(), 'webhook-id': 'msg_2' }, BODY],
    [
      'an unknown version',
      { ...standard(), 'webhook-signature': (standard()['webhook-signature'] ?? '').replace('v1,', 'v2,') },
      BODY,
    ],
  ])('refuses %s', (_, headers, body) => {
    expect(check(scheme, headers, body)).toBe(false);
  });

  test('takes the right one of several signatures', () => {
    const several = `v1,wrong v1a,other ${standard()['webhook-signature']}`;

    expect(check(scheme, { ...standard(), 'webhook-signature': several })).toBe(true);
  });

  test('18: signs bytes, also such that are no UTF-8', () => {
    const bytes = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
    const at = String(NOW / 1000);
    const signature = createHmac('sha256', Buffer.from(KEY, 'base64'))
      .update(`m.${at}.`)
      .update(bytes)
      .digest('base64');

    expect(
      check(
        scheme,
        { 'webhook-id': 'm', 'webhook-timestamp': at, 'webhook-signature': `v1,${signature}` },
        bytes,
      ),
    ).toBe(true);
  });

  test('takes old and new secret while both are listed, and the old one no more afterwards', () => {
    const both: VerifyScheme = { scheme: 'standard-webhooks', secrets: [OTHER, KEY] };

    expect([check(both, standard()), check(both, standard(OTHER))]).toEqual([true, true]);
    expect(check({ ...both, secrets: [OTHER] }, standard())).toBe(false);
  });

  test('27: an empty secret opens nothing', () => {
    const empty = createHmac('sha256', '')
      .update(`m.${NOW / 1000}.${BODY}`)
      .digest('base64');
    const headers = {
      'webhook-id': 'm',
      'webhook-timestamp': String(NOW / 1000),
      'webhook-signature': `v1,${empty}`,
    };

    expect(check({ scheme: 'standard-webhooks', secrets: [''] }, headers)).toBe(false);
  });
});

describe('github', () => {
  const scheme: VerifyScheme = { scheme: 'github', secrets: ['s3cret'] };
  const signed = (value: string): Headers => ({ 'x-hub-signature-256': value });

  test("takes GitHub's own example", () => {
    const example: VerifyScheme = { scheme: 'github', secrets: ["It's a Secret to Everybody"] };
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';

    expect(check(example, signed(signature), 'Hello, World!')).toBe(true);
  });

  test.each([
    ['1: no signature', {}],
    ['2: another secret', signed(`sha256=${hex('other')}`)],
    ['4: upper-case hex', signed(`sha256=${hex('s3cret').toUpperCase()}`)],
    ['5: nothing after the prefix', signed('sha256=')],
    ['5: one character', signed('sha256=a')],
    ['no prefix', signed(hex('s3cret'))],
  ])('refuses %s', (_, headers) => {
    expect(check(scheme, headers)).toBe(false);
  });
});

describe('slack', () => {
  const scheme: VerifyScheme = { scheme: 'slack', secrets: ['s3cret'] };
  const signed = (at = NOW, secret = 's3cret'): Headers => {
    const stamp = String(Math.floor(at / 1000));
    return {
      'x-slack-request-timestamp': stamp,
      'x-slack-signature': `v0=${hex(secret, `v0:${stamp}:${BODY}`)}`,
    };
  };

  test.each([
    ['the right signature', signed(), true],
    ['one of 300 s ago', signed(NOW - 300_000), true],
    ['6: one of 301 s ago', signed(NOW - 301_000), false],
    ['7: one 301 s ahead', signed(NOW + 301_000), false],
    ['2: another secret', signed(NOW, 'other'), false],
    ['1: none', {}, false],
  ])('%s', (_, headers, wanted) => {
    expect(check(scheme, headers)).toBe(wanted);
  });
});

describe('hmac', () => {
  const scheme: VerifyScheme = {
    scheme: 'hmac',
    header: 'x-sig',
    algorithm: 'sha1',
    encoding: 'base64',
    prefix: 'sha1=',
    secrets: ['k'],
  };
  const signature = createHmac('sha1', 'k').update(BODY).digest('base64');

  test.each([
    ['as configured', `sha1=${signature}`, true],
    ['without the prefix', signature, false],
    ['in another encoding', `sha1=${hex('k', BODY, 'sha1')}`, false],
    ['of another algorithm', `sha1=${hex('k')}`, false],
  ])('%s', (_, value, wanted) => {
    expect(check(scheme, { 'x-sig': value })).toBe(wanted);
  });
});

describe('bearer, basic and url-secret', () => {
  const bearer: VerifyScheme = { scheme: 'bearer', secrets: ['new', 'old'] };
  const basic: VerifyScheme = { scheme: 'basic', user: 'mon', secrets: ['pass:word'] };
  const authorization = (value: string): Headers => ({ authorization: value });
  const encoded = (text: string): Headers => authorization(`Basic ${Buffer.from(text).toString('base64')}`);

  test.each<[string, VerifyScheme, Headers, string | undefined, boolean]>([
    ['bearer new', bearer, authorization('Bearer new'), undefined, true],
    ['bearer old, in another case', bearer, authorization('bearer old'), undefined, true],
    ['bearer wrong', bearer, authorization('Bearer newx'), undefined, false],
    ['bearer empty', bearer, authorization('Bearer '), undefined, false],
    ['bearer missing', bearer, {}, undefined, false],
    ['basic with a colon in the password', basic, encoded('mon:pass:word'), undefined, true],
    ['28: basic with a colon only', basic, encoded(':'), undefined, false],
    ['basic without a colon', basic, encoded('mon'), undefined, false],
    ['basic of another user', basic, encoded('adm:pass:word'), undefined, false],
    ['basic that is no base64', basic, authorization('Basic %%%'), undefined, false],
    ['url-secret', { scheme: 'url-secret', secrets: ['abc'] }, {}, 'abc', true],
    ['url-secret wrong', { scheme: 'url-secret', secrets: ['abc'] }, {}, 'abcd', false],
    ['url-secret missing', { scheme: 'url-secret', secrets: ['abc'] }, {}, undefined, false],
    ['27: url-secret that is configured empty', { scheme: 'url-secret', secrets: [''] }, {}, '', false],
  ])('%s', (_, scheme, headers, urlSecret, wanted) => {
    expect(check(scheme, headers, BODY, urlSecret)).toBe(wanted);
  });

  test.each([
    ['Bearer token', 'token', true],
    ['Bearer other', 'token', false],
    ['Bearer ', '', false],
    [undefined, 'token', false],
    ['Bearer token', null, false],
  ])('%j against the admin token %j: %j', (header, token, wanted) => {
    expect(matchesBearer(header, token)).toBe(wanted);
  });
});
