import { parseAddress, formatAddress, tryParseAddress, type Address } from '@grp/core';
import type { Member } from '@grp/swim';

/** The ports above which roles and HTTP lie, as in the role table. */
const httpAboveSwim = 7;
const httpAboveRaft = 3;

/** Another node, and where its HTTP should be. */
export interface PeerPlace {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** Where a member serves HTTP: the port that its tag announces, else the usual one, base port + 7. */
export function placeOfMember({ name, address, tags }: Pick<Member, 'name' | 'address' | 'tags'>): PeerPlace {
  const { host, port } = parseAddress(address);
  return { name, host, port: announcedPort(tags['ports']) ?? port + httpAboveSwim };
}

/** The same from the address of a raft server, for nodes without swim. */
export function placeOfServer(name: string, address: string): PeerPlace | undefined {
  const parsed = tryParseAddress(address);
  return parsed === undefined ? undefined : { name, host: parsed.host, port: parsed.port + httpAboveRaft };
}

/** The URL of a place; undefined when the port cannot be one. */
export function urlOf({ host, port }: PeerPlace, scheme: 'http' | 'https'): string | undefined {
  return port > 0 && port <= 65_535 ? `${scheme}://${formatAddress(host, port)}` : undefined;
}

function announcedPort(tag: string | undefined): number | undefined {
  const entry = tag?.split(',').find((part) => part.startsWith('http:'));
  const port = Number(entry?.slice('http:'.length));
  return Number.isInteger(port) && port > 0 && port <= 65_535 ? port : undefined;
}

/** What the tag `ports` has to say about HTTP: nothing where it is at its usual place. */
export function httpTag(swim: Address, port: number): string | undefined {
  return port === parseAddress(swim).port + httpAboveSwim ? undefined : `http:${port}`;
}
