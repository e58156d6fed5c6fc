import { drive, type Address, type Clock, type Driver, type Random } from '@grp/core';
import {
  GetMachine,
  PutMachine,
  type Ack,
  type ClientConfig,
  type Failure,
  type GetEffect,
  type GetInput,
  type GetOptions,
  type Manifest,
  type PutEffect,
  type PutInput,
  type PutOptions,
} from '@grp/dfs';
import type { Caller } from './caller.ts';
import type { Answers, Send } from './messages.ts';
import { digestOf } from './store.ts';

export interface TransferOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly answers: Answers;
  readonly caller: Caller;
  readonly send: Send;
  readonly config: ClientConfig;
  readonly onFatal: (cause: unknown) => void;
  /** Whether holders without a good copy are reported. */
  readonly reports: boolean;
}

export type Ended<Value> =
  | { readonly type: 'done'; readonly value: Value }
  | { readonly type: 'failed'; readonly failure: Failure };

const resendMs = 60;
const sendsMax = 4;

/** Runs production's put machine over the simulated network. */
export function simulatePut(
  options: TransferOptions,
  put: Omit<PutOptions, 'config' | 'random'>,
  content: string,
  ended: (outcome: Ended<{ readonly version: number }>) => void,
): void {
  const { clock, random, answers, caller, send, config, onFatal } = options;
  const open = new Map<number, number>();
  const close = (stream: number): void => {
    answers.forget(open.get(stream) ?? 0);
    open.delete(stream);
  };
  const begin = ({ stream, to, blob, epoch }: Extract<PutEffect, { type: 'open-stream' }>): void => {
    const id = answers.expect((message) => {
      if (message.type === 'moved') driver.push({ type: 'moved', stream, bytes: message.bytes });
      else if (message.type === 'stored') driver.push({ type: 'stored', stream, ack: message.ack });
      else if (message.type === 'refused') driver.push({ type: 'stream-failed', stream, problem: message.problem });
    });
    open.set(stream, id);
    const attempt = (number: number): void => {
      if (!open.has(stream)) return;
      if (number > sendsMax) return void driver.push({ type: 'stream-failed', stream, problem: 'unreachable' });
      send(to.address as Address, { type: 'put', id, blob, epoch, content });
      clock.wakeAt(clock.now() + resendMs * number, () => attempt(number + 1));
    };
    attempt(1);
  };
  const perform = (effect: PutEffect): void => {
    switch (effect.type) {
      case 'request':
        return caller.call(effect.request, (reply) =>
          driver.push(
            reply === undefined
              ? { type: 'unanswered', call: effect.call }
              : { type: 'reply', call: effect.call, reply },
          ),
        );
      case 'open-stream':
        return begin(effect);
      case 'close-stream':
        return close(effect.stream);
      case 'late':
        return late(caller, effect.blob, effect.ack);
      case 'done':
        return ended({ type: 'done', value: { version: effect.version } });
      case 'failed':
        return ended(effect);
      case 'closed':
        for (const stream of [...open.keys()]) close(stream);
        return driver.stop();
      case 'demand':
    }
  };
  const machine = new PutMachine({ ...put, config, random });
  const driver: Driver<PutInput> = drive({ machine, clock, perform, onFatal });
  driver.push({ type: 'start' });
  driver.push({ type: 'source', bytes: content.length });
  driver.push({ type: 'source-ended', bytes: content.length, sha256: digestOf(content) });
}

function late(caller: Caller, blob: string, ack: Ack): void {
  caller.call({ kind: 'add-holders', items: [{ blob, ack }] }, () => {});
}

/** Runs production's get machine over the simulated network. */
export function simulateGet(
  options: TransferOptions,
  get: Omit<GetOptions, 'config'>,
  ended: (outcome: Ended<{ readonly manifest: Manifest; readonly content: string }>) => void,
): void {
  const { clock, answers, caller, send, config, onFatal, reports } = options;
  let manifest: Manifest | undefined;
  let content = '';
  const asked = new Map<number, number>();
  const read = ({ read, from, blob, offset, length }: Extract<GetEffect, { type: 'read' }>): void => {
    let received = 0;
    const id = answers.expect((message) => {
      if (message.type === 'unread') driver.push({ type: 'read-failed', read, problem: message.problem });
      if (message.type !== 'bytes' || message.offset !== offset + received) return;
      received += message.content.length;
      content += message.content;
      driver.push({ type: 'data', read, bytes: received });
    });
    asked.set(read, id);
    send(from.address as Address, { type: 'read', id, blob, offset, length });
  };
  const check = ({ check, at, blob }: Extract<GetEffect, { type: 'check' }>): void => {
    const id = answers.expect((message) => {
      if (message.type === 'digest') driver.push({ type: 'checked', check, sha256: message.sha256 });
      else if (message.type === 'unread') driver.push({ type: 'check-failed', check, problem: message.problem });
    });
    asked.set(check, id);
    send(at.address as Address, { type: 'check', id, blob });
  };
  const perform = (effect: GetEffect): void => {
    switch (effect.type) {
      case 'request':
        if (!reports && effect.request.kind === 'rot-report') return undefined;
        return caller.call(effect.request, (reply) =>
          driver.push(
            reply === undefined
              ? { type: 'unanswered', call: effect.call }
              : { type: 'reply', call: effect.call, reply },
          ),
        );
      case 'found':
        manifest = effect.manifest;
        return undefined;
      case 'read':
        return read(effect);
      case 'cancel':
        return answers.forget(asked.get(effect.read) ?? 0);
      case 'check':
        return check(effect);
      case 'digest-whole':
        return void driver.push({ type: 'whole', sha256: digestOf(content) });
      case 'done':
        return ended({ type: 'done', value: { manifest: manifest as Manifest, content } });
      case 'failed':
        return ended(effect);
      case 'closed':
        for (const id of asked.values()) answers.forget(id);
        return driver.stop();
    }
  };
  const driver: Driver<GetInput> = drive({ machine: new GetMachine({ ...get, config }), clock, perform, onFatal });
  driver.push({ type: 'start' });
}
