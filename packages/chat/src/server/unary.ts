import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  ChangePasswordResponseSchema,
  DeleteAccountResponseSchema,
  DeleteMessageResponseSchema,
  HistoryResponseSchema,
  JoinRoomResponseSchema,
  LeaveRoomResponseSchema,
  ListRoomsResponseSchema,
  ListUsersResponseSchema,
  LoginResponseSchema,
  LogoutResponseSchema,
  MarkReadResponseSchema,
  type MessageSchema,
  RegisterResponseSchema,
  SendResponseSchema,
  UnreadResponseSchema,
  type ChangePasswordRequest,
  type DeleteAccountRequest,
  type DeleteMessageRequest,
  type HistoryRequest,
  type JoinRoomRequest,
  type LeaveRoomRequest,
  type ListUsersRequest,
  type LoginRequest,
  type MarkReadRequest,
  type RegisterRequest,
  type SendRequest,
} from '../gen/grp/chat/v1/chat_pb.ts';
import type { LoginLimits } from './login-limits.ts';
import type { Caller, ChatOperations, LabelledMessage, RoomFacts } from './operations.ts';

/** A call with everything of gRPC taken off. */
export interface Call<Request> {
  readonly request: Request;
  readonly caller: Caller;
  /** The client's address, for limits. */
  readonly peer: string;
}

type Handler<Request> = (call: Call<Request>) => Promise<object>;
/** Handlers of the unary methods, by name. */
export type UnaryHandlers = Readonly<Record<string, Handler<never>>>;

/** What each unary method does, in terms of the operations. */
export function unaryHandlers(operations: ChatOperations, limits: LoginLimits): UnaryHandlers {
  return { ...accountHandlers(operations, limits), ...roomHandlers(operations) };
}

function accountHandlers(operations: ChatOperations, limits: LoginLimits) {
  return {
    register: async ({ request, caller }: Call<RegisterRequest>) => {
      await operations.register(request.requestId, request.name, request.password, caller);
      return create(RegisterResponseSchema);
    },
    login: async ({ request, caller, peer }: Call<LoginRequest>) => {
      const { token, expiresAtMs } = await limits.guess({ name: request.name, address: peer }, () =>
        operations.login(request.name, request.password, caller),
      );
      return create(LoginResponseSchema, { token, expiresAtMs: BigInt(expiresAtMs) });
    },
    logout: async ({ caller }: Call<object>) => {
      await operations.logout(caller);
      return create(LogoutResponseSchema);
    },
    changePassword: async ({ request, caller, peer }: Call<ChangePasswordRequest>) => {
      const passwords = { old: request.oldPassword, new: request.newPassword };
      // Whoever has found a token must not find the password by it.
      await limits.guess({ name: sessionOf(caller), address: peer }, () =>
        operations.changePassword(request.requestId, passwords, caller),
      );
      return create(ChangePasswordResponseSchema);
    },
    deleteAccount: async ({ request, caller, peer }: Call<DeleteAccountRequest>) => {
      await limits.guess({ name: sessionOf(caller), address: peer }, () =>
        operations.deleteAccount(request.requestId, request.password, caller),
      );
      return create(DeleteAccountResponseSchema);
    },
    listUsers: async ({ request, caller }: Call<ListUsersRequest>) => {
      const { names, more } = await operations.users(request, caller);
      return create(ListUsersResponseSchema, { names: [...names], more });
    },
  };
}

/** As the owner of a password that is guessed in a session: this server's copy may not know yet whose session it is. */
function sessionOf({ token = '' }: Caller): string {
  return `session ${token}`;
}

function roomHandlers(operations: ChatOperations) {
  return {
    listRooms: async ({ caller }: Call<object>) =>
      create(ListRoomsResponseSchema, { rooms: (await operations.rooms(caller)).map(roomOf) }),
    unread: async ({ caller }: Call<object>) => {
      const rooms = (await operations.rooms(caller)).filter(({ unread }) => unread > 0);
      return create(UnreadResponseSchema, { rooms: rooms.map(roomOf) });
    },
    joinRoom: async ({ request, caller }: Call<JoinRoomRequest>) => {
      await operations.join(request.requestId, request.room, caller);
      return create(JoinRoomResponseSchema);
    },
    leaveRoom: async ({ request, caller }: Call<LeaveRoomRequest>) => {
      await operations.leave(request.requestId, request.room, caller);
      return create(LeaveRoomResponseSchema);
    },
    send: async ({ request, caller }: Call<SendRequest>) => {
      const sent = await operations.send(request.requestId, request.room, request.text, caller);
      return create(SendResponseSchema, { message: messageOf(sent) });
    },
    deleteMessage: async ({ request, caller }: Call<DeleteMessageRequest>) => {
      await operations.deleteMessage(request.requestId, request.room, Number(request.sequence), caller);
      return create(DeleteMessageResponseSchema);
    },
    markRead: async ({ request, caller }: Call<MarkReadRequest>) => {
      await operations.markRead(request.requestId, request.room, Number(request.sequence), caller);
      return create(MarkReadResponseSchema);
    },
    history: async ({ request, caller }: Call<HistoryRequest>) => {
      const { room, limit, local } = request;
      const options = { room, limit, local, fromSequence: Number(request.fromSequence) };
      const { messages, more } = await operations.history(options, caller);
      return create(HistoryResponseSchema, { messages: messages.map(messageOf), more });
    },
  };
}

/** A message as it travels. */
export function messageOf({ room, message }: LabelledMessage): MessageInitShape<typeof MessageSchema> {
  const { id, from, text, atMs, index, sequence, deleted } = message;
  return { id, room, from, text, atMs: BigInt(atMs), index: BigInt(index), sequence: BigInt(sequence), deleted };
}

function roomOf({ label, lastSequence, members, joined, unread }: RoomFacts) {
  return { name: label, lastSequence: BigInt(lastSequence), members, joined, unread: BigInt(unread) };
}
