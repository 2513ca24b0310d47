import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { listen, type HttpServer } from '../http/server.ts';
import { drawMessage, escapeHtml } from './slack-html.ts';
import type { Slack } from './simulators/slack/slack.ts';

/** The simulated Slack as a page on loopback: its messages as they stand, with buttons that reach Deskhand. */
export interface SlackPage {
  readonly url: string;
  close(): Promise<void>;
}

export interface SlackPageOptions {
  readonly slack: Slack;
  /** Where Slack's signed requests go. */
  readonly eventsUrl: string;
  /** 0: any free one. */
  readonly port: number;
}

/** Messages shown per channel, newest first. */
const SHOWN = 30;

export async function startSlackPage(options: SlackPageOptions): Promise<SlackPage> {
  const server: HttpServer = await listen(slackPage(options), { host: '127.0.0.1', port: options.port });
  return { url: `http://127.0.0.1:${server.port}`, close: () => server.close() };
}

/** The page's routes. */
export function slackPage({ slack, eventsUrl }: SlackPageOptions): Hono {
  // Only this page knows it: another site that is open in the same browser cannot press buttons.
  const key = randomUUID();
  const app = new Hono();
  app.get('/', (c) => c.html(page(drawChannels(slack, key))));
  app.get('/messages', (c) => c.html(drawChannels(slack, key)));
  app.post('/press', async (c) => {
    const form = await c.req.parseBody();
    const field = (name: string): string => {
      const value = form[name];
      return typeof value === 'string' ? value : '';
    };
    if (field('key') !== key) return c.text('press the buttons of this page', 403);
    const selected = field('selected');
    const press = {
      message: { channel: field('channel'), ts: field('ts') },
      button: field('button'),
      ...(selected === '' ? {} : { selected }),
    };
    // A button that was redrawn away meanwhile is no mistake of the person's.
    await slack.pressButton(eventsUrl, press).catch(() => undefined);
    return c.redirect('/', 303);
  });
  return app;
}

function drawChannels(slack: Slack, key: string): string {
  const parts = [...slack.state.channels.values()].map((channel) => {
    const messages = slack.messagesIn(channel.id).filter((message) => message.threadTs === null);
    if (messages.length === 0) return '';
    const drawn = messages.slice(-SHOWN).toReversed();
    const threadOf = (ts: string): readonly string[] =>
      slack.messagesIn(channel.id).flatMap((one) => (one.threadTs === ts ? [one.text] : []));
    const name =
      channel.kind === 'im'
        ? `@${slack.state.users.get(channel.userId ?? '')?.name ?? ''}`
        : `#${channel.name}`;
    return `<h2>${escapeHtml(name)}</h2>${drawn.map((message) => drawMessage(message, threadOf(message.ts), key)).join('')}`;
  });
  const whispers = slack.state.ephemerals
    .slice(-3)
    .map((whisper) => `<p class="whisper">Only you see this: ${escapeHtml(whisper.text)}</p>`);
  return `${whispers.join('')}${parts.join('') === '' ? '<p>Nothing was posted yet.</p>' : parts.join('')}`;
}

const STYLE = `body{font:15px/1.45 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1d1c1d}
article{border:1px solid #ddd;border-radius:8px;padding:.6rem .9rem;margin:.6rem 0}
article p{margin:.35rem 0}.fields{display:grid;grid-template-columns:1fr 1fr;gap:.3rem 1rem}
.context,.thread{color:#616061;font-size:13px}.thread{border-left:3px solid #ddd;padding-left:.7rem}
form{display:inline}button,select{font:inherit;padding:.25rem .7rem;margin:.2rem .3rem .2rem 0;border:1px solid #bbb;border-radius:5px;background:#fff;cursor:pointer}
.primary{background:#007a5a;color:#fff}.danger{color:#c01343}.whisper{background:#fff8e1;padding:.4rem .7rem;border-radius:6px}
@media (prefers-color-scheme:dark){body{background:#1a1d21;color:#d1d2d3}article{border-color:#444}button,select{background:#222529;color:inherit}a{color:#5ab0ff}.whisper{background:#3a3420}}`;

/** Looks again every second, but not while somebody has a menu open. */
const SCRIPT = `setInterval(async()=>{if(document.activeElement&&document.activeElement.tagName==='SELECT')return;
const r=await fetch('/messages');if(r.ok)document.querySelector('main').innerHTML=await r.text()},1000)`;

function page(inner: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Simulated Slack</title><style>${STYLE}</style><h1>Simulated Slack</h1>
<p class="context">You are Nora. Buttons send the signed requests that Slack would send.</p><main>${inner}</main><script>${SCRIPT}</script></html>`;
}
