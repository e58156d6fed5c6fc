import type { Address } from '@grp/core';
import type { Delivery, Gap, InstalledView, OrderingView } from './api.ts';
import type { Message } from './messages.ts';
import type { Malformed } from './wire/decode.ts';

/** What comes into the machine. */
export type Input =
  /** The application sends; `result` tells whether it was taken. */
  | { readonly type: 'send'; readonly payload: Uint8Array }
  | { readonly type: 'receive'; readonly from: Address; readonly message: Message | Malformed }
  /** The members, as the authority over the group sees them from now on. */
  | { readonly type: 'view'; readonly view: OrderingView }
  /** A link refused a message for this peer; `round` when it was one of data. */
  | { readonly type: 'full'; readonly peer: Address; readonly round: number | undefined }
  /** A link takes more again, or may have lost what was under way in both directions. */
  | { readonly type: 'writable' | 'reset'; readonly peer: Address };

/** What the machine wants done, in order. */
export type Effect =
  /** One message to each of these. */
  | { readonly type: 'transmit'; readonly to: readonly Address[]; readonly message: Message }
  | { readonly type: 'deliver'; readonly deliveries: readonly Delivery[] }
  | { readonly type: 'install'; readonly installed: InstalledView }
  /** The members settle the last view; nothing is delivered until `install`, but for the rest of the last view. */
  | { readonly type: 'flush'; readonly number: number }
  /** The view goes on without this member. */
  | { readonly type: 'excluded'; readonly number: number }
  | { readonly type: 'gap'; readonly gap: Gap }
  /** All own messages up to this one have been delivered by all members. */
  | { readonly type: 'settled'; readonly sequence: number };
