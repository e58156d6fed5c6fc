import { systemClock, systemRandom } from '@grp/core';
import { createSwim } from '@grp/swim';
import { injectFaults, nodeAead, openNetwork, resolveSeeds } from '@grp/transport-udp';
import { assembleNode } from './assemble.ts';
import type { Node } from './node.ts';
import type { NodeOptions } from './options.ts';

/**
 * Makes a node of this host's clock, chance and network: opens sockets and HTTP, builds the roles, announces nothing.
 * @throws GrpError what is wrong with an option (kind `usage`), a taken port or folder (`conflict`), an unreadable file
 * @example
 * const node = await createNode({ roles: ['swim'], join: ['10.0.0.1:7946'] });
 * await node.start();
 * console.log(node.swim?.members().map(({ name }) => name));
 * await node.stop();
 */
export async function createNode(options: NodeOptions): Promise<Node> {
  return assembleNode(options, {
    clock: systemClock(),
    random: systemRandom(),
    aead: nodeAead(),
    openNetwork,
    injectFaults,
    resolveSeeds,
    createSwim,
  });
}
