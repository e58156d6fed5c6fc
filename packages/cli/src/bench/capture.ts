import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Packets that were sent over loopback, with their IP headers, as a packet socket of the kernel saw them. */
export interface WireCount {
  readonly udp: { readonly packets: number; readonly ipBytes: number };
  readonly tcp: { readonly packets: number; readonly ipBytes: number };
}

// Node has no packet sockets; Python, which most Linux systems bring, does. It counts what leaves (on loopback every packet
// is seen twice: as it leaves and as it arrives) from or to the ports of the members, and answers each line with the sums.
const program = `
import json, select, socket, struct, sys
ports = set(map(int, sys.argv[1:]))
tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
tap.bind(("lo", 0))
names = {17: "udp", 6: "tcp"}
seen = {name: {"packets": 0, "ipBytes": 0} for name in names.values()}
print(json.dumps(seen), flush=True)
while True:
    ready = select.select([tap, sys.stdin], [], [])[0]
    if tap in ready:
        packet, (_, protocol, direction, *_) = tap.recvfrom(96)
        if protocol == 0x0800 and direction == 4 and len(packet) >= 24:
            name = names.get(packet[9])
            ends = struct.unpack_from("!HH", packet, (packet[0] & 15) * 4)
            if name and (ends[0] in ports or ends[1] in ports):
                seen[name]["packets"] += 1
                seen[name]["ipBytes"] += struct.unpack_from("!H", packet, 2)[0]
    elif sys.stdin in ready:
        if not sys.stdin.readline():
            break
        print(json.dumps(seen), flush=True)
`;

/** A packet capture on loopback, independent of what the members count themselves, and the same for all systems. */
export class Capture {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#child = child;
    this.#lines = lines;
  }

  /** Begins to count; a text says why that is not possible here (it takes root and Python on Linux). */
  static async open(ports: readonly number[]): Promise<Capture | string> {
    if (process.platform !== 'linux') return 'packets are captured on Linux only';
    const child = spawn('python3', ['-I', '-c', program, ...ports.map(String)], { stdio: ['pipe', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => void (said += chunk.toString('utf8')));
    child.stdin.on('error', () => {}); // it has ended: the lines end too
    const failed = new Promise<string>((resolve) => {
      child.once('error', () => resolve('there is no python3'));
      child.once('close', () =>
        resolve(/PermissionError/.test(said) ? 'it takes root' : (said.trim().split('\n').at(-1) ?? '')),
      );
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await Promise.race([lines.next(), failed]);
    if (typeof first === 'string') return first;
    if (first.done === true) return failed;
    return new Capture(child, lines);
  }

  /** The sums so far. @throws Error when the capture has ended */
  async read(): Promise<WireCount> {
    this.#child.stdin?.write('\n');
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the packet capture has ended');
    return JSON.parse(value) as WireCount;
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}

/** What was sent between two readings. */
export function between(before: WireCount, after: WireCount): WireCount {
  const of = (name: keyof WireCount): WireCount['udp'] => ({
    packets: after[name].packets - before[name].packets,
    ipBytes: after[name].ipBytes - before[name].ipBytes,
  });
  return { udp: of('udp'), tcp: of('tcp') };
}
