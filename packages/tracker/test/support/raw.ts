// A connection that says whatever a test wants.
import type { Address, ByteStream, StreamEnd, Streams } from '@grp/core';
import type { Signer } from '../../src/index.ts';
import { fromBase64, statement, toBase64 } from '../../src/encoding.ts';
import { helloDomain } from '../../src/domains.ts';

type Line = Readonly<Record<string, unknown>>;

export class Raw {
  readonly lines: Line[] = [];
  readonly stream: ByteStream;
  closed: StreamEnd | undefined;
  bytesIn = 0;
  #text = '';
  #id = 0;

  constructor(streams: Streams, tracker: Address) {
    const decoder = new TextDecoder();
    this.stream = streams.dial(tracker, {
      onData: (bytes) => {
        this.bytesIn += bytes.length;
        this.#text += decoder.decode(bytes, { stream: true });
        const lines = this.#text.split('\n');
        this.#text = lines.pop() ?? '';
        for (const line of lines) this.lines.push(JSON.parse(line) as Line);
      },
      onEnd: () => this.stream.end(),
      onClose: (reason) => (this.closed = reason),
    });
  }

  /** Text as it is, or a command with an id of its own. */
  send(given: string | Line): number {
    const id = ++this.#id;
    const line = typeof given === 'string' ? given : `${JSON.stringify({ v: 1, id, ...given })}\n`;
    this.stream.write(new TextEncoder().encode(line));
    return id;
  }

  /** What was answered to a command; undefined: nothing yet. */
  answer(id: number): Line | undefined {
    return this.lines.find((line) => line['re'] === id);
  }

  errorCode(id: number): unknown {
    return (this.answer(id)?.['error'] as Line | undefined)?.['code'];
  }

  /** Codes of errors that answer nothing in particular: farewells. */
  get farewells(): readonly unknown[] {
    return this.lines
      .filter((line) => line['re'] === undefined && 'error' in line)
      .map((line) => (line['error'] as Line)['code']);
  }

  greeting(): Line {
    return this.lines.find((line) => line['on'] === 'greeting') ?? {};
  }

  /** A hello with a good proof; anything may be replaced. */
  hello(nick: string, signer: Signer, address: string, changes: Line = {}): number {
    const { nonce, key } = this.greeting() as { readonly nonce: string; readonly key: string };
    const message = statement(helloDomain, [bytes(key), bytes(nonce), nick, address]);
    const proof = toBase64(signer.sign(message));
    return this.send({ do: 'hello', nick, key: toBase64(signer.publicKey), proof, address, ...changes });
  }
}

function bytes(text: string): Uint8Array {
  return fromBase64(text) ?? new Uint8Array(0);
}
