import {
  channelOf,
  directMessage,
  fail,
  isObject,
  needScope,
  page,
  type Method,
  type MethodCall,
} from './method.ts';
import { slackIds, type SlackChannel, type SlackUser, type SlackView } from './state.ts';

/** auth.test, users, groups, channels and views. */
export const peopleMethods: Readonly<Record<string, Method>> = {
  'auth.test': () => ({
    url: 'https://acme.slack.test/',
    team: 'Acme',
    user: 'deskhand',
    team_id: slackIds.team,
    user_id: slackIds.bot,
    bot_id: 'B0BOT',
    is_enterprise_install: false,
  }),
  'users.lookupbyemail': ({ core, args }) => {
    needScope(core, 'users:read.email');
    const email = args.required('email').toLowerCase();
    const found = [...core.state.users.values()].find(
      (user) => user.email.toLowerCase() === email && !user.deleted,
    );
    return { user: shownUser(found ?? fail('users_not_found'), true) };
  },
  'users.info': ({ core, args }) => {
    needScope(core, 'users:read');
    const found = core.state.users.get(args.required('user')) ?? fail('user_not_found');
    return { user: shownUser(found, core.scopes.has('users:read.email')) };
  },
  'users.list': ({ core, args }) => {
    needScope(core, 'users:read');
    const { rows, next } = page([...core.state.users.values()], args, 200, 1000);
    const members = rows.map((user) => shownUser(user, core.scopes.has('users:read.email')));
    return { members, response_metadata: { next_cursor: next } };
  },
  'usergroups.users.list': ({ core, args }) => {
    needScope(core, 'usergroups:read');
    return { users: (core.state.groups.get(args.required('usergroup')) ?? fail('no_such_subteam')).users };
  },
  'usergroups.list': ({ core }) => {
    needScope(core, 'usergroups:read');
    const rows = [...core.state.groups];
    return {
      usergroups: rows.map(([id, { handle, users }]) => ({
        id,
        handle,
        name: handle,
        user_count: users.length,
      })),
    };
  },
  'conversations.list': list,
  'conversations.open': ({ core, args }) => {
    needScope(core, 'im:write');
    const userId = args.required('users');
    if (!core.state.users.has(userId)) fail('user_not_found');
    return { channel: { id: directMessage(core, userId).id } };
  },
  'conversations.info': (request) => {
    needScope(request.core, 'channels:read');
    return { channel: shownChannel(channelOf(request)) };
  },
  'conversations.join': (request) => {
    needScope(request.core, 'channels:join');
    const channel = channelOf(request);
    if (channel.isArchived) fail('is_archived');
    channel.botIsMember = true;
    return { channel: shownChannel(channel) };
  },
  'views.publish': (request) => ({ view: addView(request, 'views.publish') }),
  'views.open': (request) => {
    // A trigger id opens one view and is then used up.
    const known = request.core.state.triggerIds.delete(request.args.required('trigger_id'));
    return { view: addView(request, known ? 'views.open' : fail('invalid_trigger_id')) };
  },
  'views.update': (request) => ({ view: addView(request, 'views.update') }),
};

function shownUser(user: SlackUser, withEmail: boolean): Record<string, unknown> {
  const profile = { real_name: user.realName, display_name: user.name };
  return {
    id: user.id,
    team_id: slackIds.team,
    name: user.name,
    real_name: user.realName,
    deleted: user.deleted,
    is_bot: user.isBot,
    tz: 'Europe/Istanbul',
    profile: withEmail && user.email !== '' ? { ...profile, email: user.email } : profile,
  };
}

/** Public channels unless `types` says otherwise; private ones only where the bot is. */
function list({ core, args }: MethodCall): Record<string, unknown> {
  needScope(core, 'channels:read');
  const types = (args.text('types') ?? 'public_channel').split(',').map((type) => type.trim());
  const wanted = [...core.state.channels.values()].filter((channel) => {
    if (args.flag('exclude_archived') === true && channel.isArchived) return false;
    if (channel.kind === 'private') return types.includes('private_channel') && channel.botIsMember;
    return types.includes(channel.kind === 'im' ? 'im' : 'public_channel');
  });
  const { rows, next } = page(wanted, args, 100, 1000);
  return { channels: rows.map(shownChannel), response_metadata: { next_cursor: next } };
}

function shownChannel(channel: SlackChannel): Record<string, unknown> {
  return {
    id: channel.id,
    name: channel.name,
    is_channel: channel.kind === 'public',
    is_group: false,
    is_im: channel.kind === 'im',
    is_private: channel.kind !== 'public',
    is_archived: channel.isArchived,
    is_member: channel.botIsMember,
    ...(channel.userId === null ? {} : { user: channel.userId }),
  };
}

function addView({ core, args }: MethodCall, method: SlackView['method']): Record<string, unknown> {
  const view = args.structure('view');
  if (!isObject(view) || typeof view['type'] !== 'string' || !Array.isArray(view['blocks'])) {
    return fail('invalid_arguments', { response_metadata: { messages: ['view is not a view object'] } });
  }
  const userId = method === 'views.publish' ? args.required('user_id') : null;
  const id = args.text('view_id') ?? `V${core.state.views.length + 1}`;
  core.state.views.push({ method, id, userId, triggerId: args.text('trigger_id') ?? null, view });
  return { id, team_id: slackIds.team, ...view };
}
