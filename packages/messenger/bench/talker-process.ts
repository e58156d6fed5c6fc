// One client in a process of its own; forked by `pairs.ts`. It answers every question at once, or asks them one by one.
import { connect } from 'node:net';
import { openMessenger } from '@grp/messenger';
import { joinIrc } from './irc.ts';

export interface TalkerPlan {
  readonly system: 'fifo' | 'total' | 'ngircd';
  readonly nick: string;
  /** The tracker, or the port of the IRC server. */
  readonly server: string;
}

interface Talker {
  send(text: string): void;
  onMessage(listener: (text: string) => void): void;
  /** Everybody is there, and reached directly. */
  isWhole(): boolean;
  close(): Promise<void>;
}

async function main(): Promise<void> {
  const plan = JSON.parse(process.argv[2] ?? '{}') as TalkerPlan;
  const talker = plan.system === 'ngircd' ? await openIrcTalker(plan) : await openGrpTalker(plan, plan.system);
  let onAnswer: () => void = () => {};
  talker.onMessage((text) => {
    if (text.startsWith('answer')) onAnswer();
    else talker.send(text.replace('question', 'answer'));
  });
  const ask = async (count: number): Promise<readonly number[]> => {
    const tookUs: number[] = [];
    for (let number = 0; number < count; number++) {
      const startedAt = performance.now();
      const answered = new Promise<void>((resolve) => (onAnswer = resolve));
      talker.send(`question ${number} of about a hundred bytes, as people write them when they talk to each other`);
      await answered;
      tookUs.push((performance.now() - startedAt) * 1_000);
      // Away from the turn in which the answer came: a person does not write in the middle of it.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return tookUs;
  };
  process.on('message', (message: { readonly type: string; readonly count?: number }) => {
    if (message.type === 'ask')
      void ask(message.count ?? 0).then((tookUs) => process.send?.({ type: 'asked', tookUs }));
    else void talker.close().then(() => process.exit(0));
  });
  while (!talker.isWhole()) await new Promise((resolve) => setTimeout(resolve, 20));
  process.send?.({ type: 'ready' });
}

async function openGrpTalker({ nick, server }: TalkerPlan, order: 'fifo' | 'total'): Promise<Talker> {
  // The floods that it lets nobody make are what is measured here.
  const config = { receiveBytesPerSecond: 1_073_741_824, receiveBytesBurst: 1_073_741_824 };
  const opened = await openMessenger({ tracker: server, nick, config });
  const { messenger } = opened;
  await messenger.start({ timeoutMs: 30_000 });
  await messenger.join(`tea-${order}`, { order, timeoutMs: 30_000 });
  return {
    send: (text) => messenger.send(`tea-${order}`, text),
    onMessage: (listener) =>
      void messenger.on((event) => {
        if (event.type === 'message' && !event.isOwn && !event.isReplay) listener(event.text);
      }),
    isWhole: () => {
      const { state, peers } = messenger.group(`tea-${order}`);
      return state.status === 'active' && peers.length === 1 && peers[0]?.path === 'direct';
    },
    close: () => opened.close(),
  };
}

async function openIrcTalker({ nick, server }: TalkerPlan): Promise<Talker> {
  const client = await joinIrc(nick, () => connect({ port: Number(server), host: '127.0.0.1', noDelay: true }));
  if (client === undefined) throw new Error('ngircd does not answer');
  return {
    send: (text) => client.socket.write(`PRIVMSG #tea :${text}\r\n`),
    onMessage: (listener) => (client.listener = listener),
    isWhole: () => true,
    close: async () => void client.socket.destroy(),
  };
}

await main();
