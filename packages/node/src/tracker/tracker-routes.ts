import type { Command, Tracker } from '@grp/tracker';
import type { FastifyInstance } from 'fastify';
import { asDocument } from '../http/documents.ts';
import { groupQuery, memberBody, motdBody, policyBody, removeBody } from './tracker-schemas.ts';

/** `/v1/tracker/…`: whoever may ask this API is an administrator of the tracker. */
export function trackerRoutes(app: FastifyInstance, tracker: Tracker): void {
  app.get('/v1/tracker/groups', async () => asDocument('tracker.groups', { groups: tracker.groups() }));

  app.get('/v1/tracker/metrics', async () => asDocument('tracker.metrics', tracker.metrics()));

  interface Group {
    readonly group: string;
  }
  app.get<{ Querystring: Group }>('/v1/tracker/members', { schema: groupQuery }, async ({ query }) =>
    asDocument('tracker.members', await allMembers(tracker, query.group)),
  );
  app.get<{ Querystring: Group }>('/v1/tracker/policy', { schema: groupQuery }, async ({ query }) =>
    asDocument('tracker.policy', await tracker.execute({ do: 'policy', group: query.group })),
  );

  // The schemas let only fields of the command pass, and the tracker checks each of them again.
  const verbs = {
    policy: policyBody,
    kick: removeBody,
    ban: removeBody,
    unban: memberBody,
    invite: memberBody,
    motd: motdBody,
  };
  for (const [verb, schema] of Object.entries(verbs)) {
    app.post<{ Body: Readonly<Record<string, unknown>> }>(`/v1/tracker/${verb}`, { schema }, async ({ body }) =>
      asDocument(`tracker.${verb}`, {
        ...whom(body),
        ...(await tracker.execute({ ...body, do: verb } as Command)),
      }),
    );
  }
}

/** Whom it was about, so that the answer can be read alone. */
function whom({ group, nick }: Readonly<Record<string, unknown>>): object {
  return { ...(group !== undefined && { group }), ...(nick !== undefined && { nick }) };
}

const pagesMax = 1_000;

/** All pages of a list. */
async function allMembers(tracker: Tracker, group: string): Promise<object> {
  const members: unknown[] = [];
  let page = await tracker.execute({ do: 'members', group });
  for (let count = 1; count <= pagesMax; count++) {
    members.push(...(page['members'] as readonly unknown[]));
    const { next } = page;
    if (next === undefined) break;
    page = await tracker.execute({ do: 'members', group, after: next } as Command);
  }
  return { group: page['group'], number: page['number'], members };
}
