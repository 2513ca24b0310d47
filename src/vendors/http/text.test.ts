import { expect, test } from 'vitest';
import { escapeHtml, htmlToText, normaliseText, sameText } from './text.ts';

test.each([
  ['tags are stripped', '<p>Hello <b>you</b></p>', 'Hello you'],
  ['a break is white space', 'a<br/>b</p><p>c', 'a b c'],
  ['inline tags do not part words', 'net<b>work</b>', 'network'],
  ['entities are decoded once', 'R&amp;D &lt;urgent&gt; &amp;lt;', 'R&D <urgent> &lt;'],
  ['numeric entities of .NET', '&#252;ber &#x130;stanbul', 'über İstanbul'],
  ['named letters', '&Ccedil;ay &hellip; &nbsp; &euro;', 'Çay … €'],
  ['unknown entities stay', '&unknown; &amp', '&unknown; &amp'],
  ['white space is collapsed', ' a \r\n\t b\u00a0\u200bc ', 'a b c'],
  ['less-than signs of plain text stay', 'a < b and 3 <4 and c > d', 'a < b and 3 <4 and c > d'],
  ['comments, scripts and styles vanish', '<!--html--><style>p{}</style>x<script>alert(1)</script>', 'x'],
  ['an unclosed comment hides the rest', 'x<!-- y', 'x'],
  ['composed and decomposed letters are one', 'u\u0308', 'ü'],
  ['an impossible code point does no harm', '&#9999999;', '\ufffd'],
])('%s', (_, text, expected) => {
  expect(normaliseText(text)).toBe(expected);
});

test('line breaks survive in text that people read', () => {
  expect(htmlToText('<p>one</p><p>two</p>three<br>four')).toBe('one\ntwo\nthree\nfour');
});

test.each(['plain', 'R&D <b>now</b>', 'a < b & "c" > d', "it's", 'line\nbreak', '&lt;already&gt;'])(
  'a desk may store %j as it is, escaped, or as HTML',
  (sent) => {
    const escaped = escapeHtml(sent).replaceAll('\n', '<br />');

    expect(sameText(sent, sent)).toBe(true);
    expect(sameText(sent, sent.replaceAll('\n', '\r\n'))).toBe(true);
    expect(sameText(sent, `<!--html--><p>${escaped}</p>`)).toBe(true);
    expect(sameText(sent, `${sent} and more`)).toBe(false);
  },
);

test.each([['<a '], ['<script>'], ['<!--'], ['<'], ['&'], ['&#'], [' '], ['\n '], ['</p']])(
  'a megabyte of %j is read in no time',
  (piece) => {
    const text = piece.repeat(1_000_000 / piece.length);
    const before = process.cpuUsage();

    normaliseText(text);
    sameText(text, `${text}x`);

    // Of the process, so that a busy machine does not count.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(2_000);
  },
);
