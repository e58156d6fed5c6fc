import { decodeCommands, decodeResults } from './command-codec.ts';
import type { Command, Result } from './commands.ts';

const blobDigits = 8;
const namesMax = 8;

/**
 * What an entry of the metadata log did, one sentence for each of its commands: for recorders and tracers. Bytes that are
 * no entry give none. Never throws.
 * @param answer what `DfsMeta.apply` gave for the entry
 * @example ['put report.txt: version 3 on n1, n2, n4', 'copy of 5f3a91c0 on n5', 'n2 joined']
 */
export function describeEntry(entry: Uint8Array, answer: Uint8Array): readonly string[] {
  const results = decodeResults(answer) ?? [];
  return (decodeCommands(entry) ?? []).map((command, index) => sentence(command, results[index]));
}

function sentence(command: Command, result: Result | undefined): string {
  switch (command.kind) {
    case 'put':
    case 'remove':
      return `${command.kind} ${command.name}: ${outcome(result)}`;
    case 'tombstone':
      return `${short(command.blob)} given up`;
    case 'add-holders':
      return command.items
        .slice(0, namesMax)
        .map(({ blob, ack }) => `copy of ${short(blob)} on ${ack.node}`)
        .join(', ');
    case 'drop-holder':
      return `no copy of ${short(command.blob)} on ${command.node}`;
    case 'deleted':
      return `${command.node} deleted ${command.items.length}`;
    case 'join':
      return `${command.node} joined`;
    case 'purge':
      return `${command.name} forgotten`;
    default:
      return `${command.node} down`;
  }
}

function outcome(result: Result | undefined): string {
  if (result === undefined) return 'unknown';
  if (result.kind === 'committed')
    return `version ${result.version} on ${result.holders.slice(0, namesMax).join(', ')}`;
  return result.kind === 'conflict' ? `conflict with version ${result.version}` : result.kind;
}

function short(blob: string): string {
  return blob.slice(0, blobDigits);
}
