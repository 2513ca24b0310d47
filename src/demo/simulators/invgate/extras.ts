import { seconds } from './core.ts';
import {
  done,
  knownUser,
  notDone,
  readRequest,
  refuse,
  writeRequest,
  type Endpoints,
  type Request,
} from './endpoint.ts';
import { shapeOf, time, type Row } from './rows.ts';
import type { InvgateApproval, InvgateNews } from './state.ts';

/** Approvals, breaking news, knowledge base and time. */
export const extraEndpoints: Endpoints = {
  'GET incident.approval': (request) => {
    const shape = shapeOf(request, { iso: true, decoded: false });
    const pending = request.params.flag('only_pending') === true;
    const row = readRequest(request);
    const found = request.core.state.approvals.filter(
      (one) => one.requestId === row.id && (!pending || one.status === -1),
    );
    return found.map((one) => ({
      id: one.id,
      approval_request_id: null,
      approval_request_description: one.description,
      type: one.type,
      status: one.status,
      author_id: one.authorId,
      created_at: time(one.createdAt, shape),
    }));
  },
  'PUT incident.approval.accept': (request) => vote(request, 1),
  'PUT incident.approval.reject': (request) => vote(request, 0),
  'PUT incident.approval.cancel': (request) => vote(request, -2),
  'POST incident.approval.add_voter': (request) => {
    const userId = knownUser(request, 'user_id');
    const approval = approvalOf(request);
    approval.voterIds.push(userId);
    return { approval_id: approval.id, user_id: userId };
  },
  // The manual calls the id `id`; the desk answers `user_id` [O].
  'GET incident.approval.possible_voters': (request) => {
    const approval = approvalOf(request);
    return approval.voterIds.map((id) => ({ user_id: id, status: approval.status }));
  },
  'POST incident.spontaneous_approval': (request) => {
    const row = writeRequest(request);
    addApproval(request, {
      type: 2,
      requestId: row.id,
      description: request.params.requiredText('description'),
    });
    return { status: 'OK' };
  },
  'GET incident.approval.status': () => ({
    '-2': 'Cancelled',
    '-1': 'Waiting',
    '0': 'Rejected',
    '1': 'Approved',
  }),
  'GET incident.approval.type': () => ({ '1': 'Predefined', '2': 'Spontaneous' }),
  'GET incident.approval.vote_status': () => ({
    '-2': 'Annulled',
    '-1': 'Waiting',
    '0': 'Rejected',
    '1': 'Approved',
    '2': 'Expired',
  }),
  'GET breakingnews.all': (request) => request.core.state.news.map((one) => newsRow(request, one)),
  'GET breakingnews': (request) => newsRow(request, newsOf(request)),
  'POST breakingnews': createNews,
  'PUT breakingnews': (request) => {
    const news = newsOf(request);
    news.title = request.params.text('title') ?? news.title;
    news.body = request.params.text('body') ?? news.body;
    news.typeId = request.params.int('type_id') ?? news.typeId;
    news.statusId = request.params.int('status_id') ?? news.statusId;
    return done('modified');
  },
  'GET breakingnews.status': (request) => {
    const shape = shapeOf(request, { iso: true, decoded: false });
    return newsOf(request).updates.map((one) => ({
      creator_id: one.creatorId,
      body: one.body,
      created_at: time(one.createdAt, shape),
    }));
  },
  'POST breakingnews.status': (request) => {
    const news = newsOf(request);
    const body = request.params.requiredText('body');
    news.updates.push({
      creatorId: request.params.int('creator_id') ?? null,
      body,
      createdAt: seconds(request.core),
    });
    if (request.newer && request.params.flag('is_solution') === true) news.statusId = 2;
    return done('created');
  },
  'GET breakingnews.attributes.status': () => [
    { id: 1, name: 'Open' },
    { id: 2, name: 'Closed' },
  ],
  'GET breakingnews.attributes.type': () => [
    { id: 1, name: 'High' },
    { id: 2, name: 'Medium' },
    { id: 3, name: 'Low' },
  ],
  'GET timetracking': (request) => {
    const requestId = request.params.int('request_id');
    return request.core.state.times
      .filter((one) => requestId === undefined || one.requestId === requestId)
      .map((one) => ({
        id: one.id,
        incident: one.requestId,
        user_id: one.userId,
        from: one.from,
        to: one.to,
        comment: one.comment,
        status: one.deleted ? 0 : 1,
      }));
  },
  'POST timetracking': (request) => {
    if (!request.newer) refuse(405, 'Method not allowed');
    const { params, core } = request;
    const requestId = writeRequest(request).id;
    const entry = {
      userId: knownUser(request, 'user_id'),
      to: params.requiredInt('to'),
      from: params.int('from') ?? null,
    };
    const id = core.state.nextIds.other++;
    core.state.times.push({ id, requestId, ...entry, comment: params.text('comment') ?? '', deleted: false });
    return { ...done('created'), id };
  },
  'GET kb.articles': (request) => ({ status: 'OK', data: articles(request, () => true) }),
  'GET kb.articles.by.keywords': (request) => {
    const words = request.params.requiredText('keywords').toLowerCase().split(/\s+/);
    return articles(request, (text) => words.some((word) => text.toLowerCase().includes(word)));
  },
  'POST kb.articles': (request) => {
    const { params, core } = request;
    const texts = { title: params.requiredText('title'), content: params.requiredText('content') };
    const ids = { categoryId: params.requiredInt('category_id'), authorId: knownUser(request, 'author_id') };
    const id = core.state.nextIds.other++;
    core.state.articles.push({ id, ...texts, ...ids, updatedAt: seconds(core) });
    return { ...done('created'), article_id: id };
  },
};

function approvalOf({ core, params }: Request): InvgateApproval {
  const id = params.requiredInt('approval_id');
  return core.state.approvals.find((one) => one.id === id) ?? notDone('The approval does not exist');
}

function vote(request: Request, status: InvgateApproval['status']): unknown {
  const approval = approvalOf(request);
  const userId = knownUser(request, 'user_id');
  if (approval.status !== -1) notDone('The approval is not pending');
  if (status !== -2 && !approval.voterIds.includes(userId)) notDone('The user may not vote');
  approval.status = status;
  return { status: 'OK' };
}

function addApproval(
  request: Request,
  values: Pick<InvgateApproval, 'type' | 'requestId' | 'description'>,
): void {
  const people = {
    authorId: knownUser(request, 'author_id'),
    voterIds: [knownUser(request, 'approval_user_id')],
  };
  const { state } = request.core;
  state.approvals.push({
    ...values,
    ...people,
    id: state.nextIds.other++,
    status: -1,
    createdAt: seconds(request.core),
  });
}

function newsOf({ core, params }: Request): InvgateNews {
  const id = params.requiredInt('id');
  return core.state.news.find((one) => one.id === id) ?? notDone('The breaking news does not exist');
}

function newsRow(request: Request, news: InvgateNews): Row {
  const shape = shapeOf(request, { iso: true, decoded: false });
  return {
    id: news.id,
    title: news.title,
    body: news.body,
    type_id: news.typeId,
    status_id: news.statusId,
    affected_helpdesk_ids: news.helpdeskIds,
    affected_group_ids: news.groupIds,
    resolution_time: time(news.resolutionTime, shape),
    created_by_id: news.creatorId,
    created_at: time(news.createdAt, shape),
  };
}

/** Title, body and type, and "at least one help desk or group affected". */
function createNews(request: Request): unknown {
  const { core, params } = request;
  const helpdeskIds = params.ints('affected_helpdesk_ids');
  const groupIds = params.ints('affected_group_ids');
  const news: InvgateNews = {
    id: core.state.nextIds.other++,
    typeId: params.requiredInt('type_id'),
    title: params.requiredText('title'),
    body: params.requiredText('body'),
    statusId: 1,
    helpdeskIds,
    groupIds,
    resolutionTime: params.int('resolution_time') ?? null,
    creatorId: params.int('creator_id') ?? null,
    createdAt: seconds(core),
    updates: [],
  };
  if (helpdeskIds.length + groupIds.length === 0) refuse(428, 'Parameter affected_helpdesk_ids is required');
  core.state.news.push(news);
  return { ...done('created'), id: news.id };
}

/** Here `sort_by` is the direction and `order_by` the attribute, the opposite of `details.by.view`. */
function articles({ core, params }: Request, matches: (text: string) => boolean): Row[] {
  const sign = params.text('sort_by') === 'desc' ? -1 : 1;
  const found = core.state.articles.filter((one) => matches(`${one.title} ${one.content}`));
  return found
    .sort((one, other) => sign * (one.updatedAt - other.updatedAt))
    .map((one) => ({
      id: one.id,
      title: one.title,
      content: one.content,
      category_id: one.categoryId,
      author_id: one.authorId,
      last_update_date: one.updatedAt,
    }));
}
