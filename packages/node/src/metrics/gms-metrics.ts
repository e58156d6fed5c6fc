import type { Group, GroupStatus } from '@grp/gms';
import type { Registry } from 'prom-client';
import { counter, gauge } from './read-metric.ts';

export interface GmsMetrics {
  countDelivery(payloadBytes: number): void;
  countView(): void;
  /** Adds the group's metrics to a node's registry; they are read when somebody asks. */
  register(registry: Registry): void;
}

const statuses: readonly GroupStatus[] = ['joining', 'joined', 'blocked', 'excluded', 'left', 'closed'];

/** The metrics of one member of a group. */
export function gmsMetrics(group: Group): GmsMetrics {
  let deliveries = 0;
  let bytes = 0;
  let views = 0;
  return {
    countDelivery(payloadBytes) {
      deliveries++;
      bytes += payloadBytes;
    },
    countView: () => void views++,
    register(registry) {
      const registers = [registry];
      gauge({ name: 'grp_gms_view', help: 'Id of the view in force here; 0 before the first.', registers }, () => [
        [{}, group.view?.id ?? 0],
      ]);
      gauge({ name: 'grp_gms_members', help: 'Members of the view in force here.', registers }, () => [
        [{}, group.view?.members.length ?? 0],
      ]);
      gauge({ name: 'grp_gms_leader', help: '1 where this node leads the group.', registers }, () => [
        [{}, group.view?.members[0]?.id === group.self.id ? 1 : 0],
      ]);
      gauge(
        {
          name: 'grp_gms_status',
          help: '1 for the status this member has, 0 for the others.',
          labelNames: ['status'],
          registers,
        },
        () => statuses.map((status) => [{ status }, group.status === status ? 1 : 0]),
      );
      gauge({ name: 'grp_gms_sequence', help: 'Number of the last message delivered here.', registers }, () => [
        [{}, group.delivered.sequence],
      ]);
      counter({ name: 'grp_gms_views_total', help: 'Views installed here since the start.', registers }, () => [
        [{}, views],
      ]);
      counter({ name: 'grp_gms_deliveries_total', help: 'Messages delivered here since the start.', registers }, () => [
        [{}, deliveries],
      ]);
      counter(
        { name: 'grp_gms_delivered_bytes_total', help: 'Payload bytes delivered here since the start.', registers },
        () => [[{}, bytes]],
      );
    },
  };
}
