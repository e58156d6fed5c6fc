import type { GrpError } from '@grp/core';
import type { Connection, Session } from './state.ts';

export type Body = Readonly<Record<string, unknown>>;

/** What a handler says at once: fields of the answer, an error, or that it will answer through the actor later. */
export type Reply = Body | GrpError | 'later';

/** Who gave a command. */
export interface Actor {
  /** Absent for a command of this process. */
  readonly connection: Connection | undefined;
  readonly session: Session | undefined;
  readonly isAdmin: boolean;
  /** For a handler that said `later`. */
  readonly answer: (body: Body) => void;
}

/** An actor that has said hello. */
export interface MemberActor extends Actor {
  readonly session: Session;
}
