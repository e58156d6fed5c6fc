import type { ChatMessage, GroupState, GroupView, MessengerEvent, MessengerMetrics, PeerInfo } from '@grp/messenger';
import type { GroupInfo, ListedMember } from '@grp/tracker';

/** What the client has to say: one line of JSON each, or text. */
export type Output =
  | ChatMessage
  | Extract<MessengerEvent, { type: 'view' }>
  /** All else that happens. `code` is for programs, `text` for people. */
  | { readonly type: 'notice'; readonly code: string; readonly group?: string; readonly text: string }
  | {
      readonly type: 'groups';
      readonly groups: readonly (GroupInfo & { readonly isJoined: boolean; readonly unread: number })[];
    }
  | { readonly type: 'members'; readonly group: string; readonly members: readonly ListedMember[] }
  | { readonly type: 'peers'; readonly group: string; readonly state: GroupState; readonly peers: readonly PeerInfo[] }
  | {
      readonly type: 'order';
      readonly group: string;
      readonly ordering: GroupView['ordering'];
      readonly nicks: Readonly<Record<string, string>>;
    }
  | ({ readonly type: 'metrics' } & MessengerMetrics)
  | { readonly type: 'log'; readonly group: string; readonly messages: readonly ChatMessage[] }
  | {
      readonly type: 'help';
      readonly commands: readonly { readonly command: string; readonly takes: string; readonly does: string }[];
    }
  | {
      readonly type: 'error';
      readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
    };

/** What shows it. */
export interface Screen {
  show(output: Output): void;
  /** The prompt may have changed. */
  refresh?(): void;
}
