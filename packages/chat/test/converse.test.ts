// The interceptor that serves the stream, beside a call that only notes what it is told.
import { Metadata, status, type ServerInterceptor } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import type { Conversation, ConversationOptions } from '../src/server/conversation.ts';
import { converseInterceptor, type ConverseHost } from '../src/server/converse.ts';
import { grpcError } from '../src/server/status.ts';

type Listener = Parameters<Parameters<ServerInterceptor>[1]['start']>[0];

class NotedCall {
  readonly told: string[] = [];
  readonly unwritten: (() => void)[] = [];
  listener: Listener | undefined;
  start(listener: Listener): void {
    this.listener = listener;
    listener.onReceiveMetadata(new Metadata());
  }
  startRead(): void {
    this.told.push('read');
  }
  sendMessage(_message: unknown, written: () => void): void {
    this.unwritten.push(written);
  }
  sendStatus({ code }: { readonly code?: number }): void {
    this.told.push(`status ${code}`);
  }
}

function opened(begin?: ConverseHost['begin']) {
  const call = new NotedCall();
  const noted: string[] = [];
  let options: Pick<ConversationOptions, 'write' | 'fail' | 'caller'> | undefined;
  const conversation = {
    take: () => noted.push('take'),
    resume: () => noted.push('resume'),
    finish: (done: () => void) => done(),
  } as unknown as Conversation;
  const host: ConverseHost = {
    begin:
      begin ??
      ((given) => {
        options = given;
        return conversation;
      }),
    end: () => noted.push('end'),
    errorOf: (cause) => grpcError(cause, undefined),
  };
  const method = { path: '/a/B', requestStream: true, responseStream: true } as Parameters<ServerInterceptor>[0];
  const intercepted = converseInterceptor('/a/B', host)(method, call as unknown as Parameters<ServerInterceptor>[1]);
  intercepted.start({} as Listener);
  return { call, noted, options: () => options as NonNullable<typeof options> };
}

test('one message is read after another', () => {
  const { call, noted } = opened();
  expect(call.told).toEqual(['read']);
  call.listener?.onReceiveMessage({});
  expect([call.told, noted]).toEqual([['read', 'read'], ['take']]);
  call.listener?.onReceiveHalfClose();
  expect([call.told.at(-1), noted]).toEqual([`status ${status.OK}`, ['take', 'end']]);
});

test('a client that does not read is not written to, and hears more when it has read', () => {
  const { call, noted, options } = opened();
  let count = 0;
  while (options().write(new Uint8Array(1))) count++;
  expect(count).toBeLessThan(100);
  expect(options().write(new Uint8Array(1))).toBe(false);
  while (!noted.includes('resume')) call.unwritten.shift()?.();
  expect(call.unwritten.length).toBeGreaterThan(0);
  expect(options().write(new Uint8Array(1))).toBe(true);
});

test('what fails is a status, once, and ends the stream', () => {
  const { call, noted, options } = opened();
  options().fail(new Error('a bug'));
  options().fail(new Error('another'));
  expect(options().write(new Uint8Array(1))).toBe(false);
  call.listener?.onReceiveMessage({});
  call.listener?.onCancel();
  expect([call.told, noted]).toEqual([['read', `status ${status.INTERNAL}`], ['end']]);
  expect(options().caller.signal.aborted).toBe(true);
});

test('a client for whom there is no room is told so', () => {
  const { call, noted } = opened(() => {
    throw new Error('full');
  });
  expect([call.told, noted]).toEqual([[`status ${status.INTERNAL}`], []]);
});
